"""The execution that trains and promotes, and what its training job shows."""

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from smoke.answers import Found, NotAnsweredError
from smoke.execution import Execution
from smoke.stage import POLL_SECONDS, Stage
from smoke.tones import tones

EPOCHS = 3
METRIC = "val_loss"
PATIENCE_SECONDS = 300  # for figures that come late


class Training:
    """The execution, its last job, and when that job's figures were first seen."""

    def __init__(self, stage: Stage, instance_types: list[str]) -> None:
        self._stage = stage
        self.metrics_seen: datetime | None = None
        for name, body in tones().items():
            stage.upload(f"audio/{name}", body)
        request = {
            "hyperparameters": {
                "quality": "draft",
                "epochs": EPOCHS,
                # the way is tried, not the sound
                "vocoder": False,
                "evaluation_sounds": 0,
            },
            "instance_types": instance_types,
            "max_runtime_minutes": 30,
            "promote": "always",
            "spot": True,
        }
        self.execution = Execution(stage, request).follow(self._watch)
        if not self.execution.jobs():
            raise NotAnsweredError(self.execution.sentence)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.metrics_seen and time.monotonic() < deadline:
            self._watch(self.execution)
            time.sleep(POLL_SECONDS)
        self.job = self._describe(self.execution)

    def _describe(self, execution: Execution) -> dict[str, Any]:
        job: dict[str, Any] = self._stage.client("sagemaker").describe_training_job(
            TrainingJobName=execution.jobs()[-1]
        )
        return job

    def _watch(self, execution: Execution) -> None:
        if self.metrics_seen or not execution.jobs():
            return
        try:
            job = self._describe(execution)
        except ClientError:  # refused, or not there yet
            return
        figures = {one["MetricName"] for one in job.get("FinalMetricDataList", [])}
        if job["TrainingJobStatus"] == "Completed" and METRIC in figures:
            self.metrics_seen = datetime.now(UTC)

    def worked(self) -> Found:
        """Tell whether what it trained is served."""
        output = self.execution.output
        attempts = len(self.execution.jobs())
        seen = (
            f"{output['why']}; {output['instance_type']}{' (spot)' if output['spot'] else ''}, "
            f"attempt {attempts}, trained {output['training_seconds']} s, billed "
            f"{output['billable_seconds']} s; {output.get('data', {}).get('clips')} clips"
        )
        seconds = (self.execution.stopped_at - self.execution.ended["startDate"]).total_seconds()
        return Found(bool(output["promoted"]), seen, seconds)

    def served_now(self) -> dict[str, str]:
        """Return the input that promotes once more what it promoted."""
        return {"model": self.execution.output["model"]}

    def served_before(self) -> dict[str, str]:
        """Return the input that promotes what was served before."""
        model: dict[str, str] = self.execution.output["previous_model"]
        return model

    def has_checkpoints(self) -> Found:
        """Tell whether the job knows its folder of checkpoints and left something there."""
        config = self.job.get("CheckpointConfig", {})
        bucket, prefix = self._checkpoints()
        found = self._stage.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        names = [item["Key"].removeprefix(prefix) for item in found.get("Contents", [])]
        return Found(bool(config and names), f"{config}; holds {', '.join(names) or 'nothing'}")

    def was_spot(self) -> Found:
        """Tell whether the first attempt asked for spare capacity."""
        first = self._stage.client("sagemaker").describe_training_job(
            TrainingJobName=self.execution.jobs()[0]
        )
        seen = f"{first['TrainingJobName']}: {first['TrainingJobStatus']}, "
        seen += f"{first['ResourceConfig']['InstanceType']}"
        if first.get("FailureReason"):
            seen += f", {first['FailureReason']}"
        return Found(bool(first.get("EnableManagedSpotTraining")), seen)

    def summary_came(self) -> Found:
        """Tell whether the state machine found the summary; measure how late it was."""
        bucket, prefix = self._checkpoints()
        summary = self._stage.client("s3").head_object(Bucket=bucket, Key=f"{prefix}summary.json")
        late = (summary["LastModified"] - self.job["TrainingEndTime"]).total_seconds()
        read = "metrics" in self.execution.output
        missed = len(self.execution.failures("NoSuchKey"))
        seen = f"written {abs(late):.0f} s {'after' if late > 0 else 'before'} the job's end, "
        seen += f"looked for {missed} times in vain, {'read' if read else 'never read'}"
        return Found(read, seen, late)

    def metrics_came(self) -> Found:
        """Tell whether the job's final figures were there at once; measure how late they were."""
        if self.metrics_seen is None:
            return Found(False, f"no {METRIC} within {PATIENCE_SECONDS} s of the execution's end")
        late = (self.metrics_seen - self.job["TrainingEndTime"]).total_seconds()
        seen = f"first seen {late:.1f} s after the job's end, looking every {POLL_SECONDS} s"
        return Found(late < 3 * POLL_SECONDS, seen, late)

    def was_let_into_the_bucket(self) -> Found:
        """Tell whether both roles listed the folder of the sounds, and only such folders."""
        begun = self.execution.left("Find the sounds") is not None
        steps = [step["Status"] for step in self.job["SecondaryStatusTransitions"]]
        done = self.job["TrainingJobStatus"] == "Completed"
        seen = f"state machine: {'listed audio/' if begun else 'did not list audio/'}; "
        seen += f"training job: {', '.join(steps)}"
        return Found(begun and done, seen)

    def _checkpoints(self) -> tuple[str, str]:
        url = self.job.get("CheckpointConfig", {}).get("S3Uri", "")
        if not url:
            raise NotAnsweredError("the job has no folder of checkpoints")
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return bucket, prefix.rstrip("/") + "/"
