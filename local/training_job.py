"""A SageMaker training job: the real toolkit and the real script, in a folder laid out as /opt/ml.

The toolkit (`sagemaker-training` with `sagemaker-tensorflow-training`) is the program that the
managed TensorFlow image starts. It gets the execution role's session, so the bucket answers as the
deployed policies say.
"""

import json
import os
import re
import shutil
import signal
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow

from local import processes
from local.aws import bucket_and_key, client_as, endpoint_url, role_environment
from local.logs import LogStream

SERVICE = "sagemaker.amazonaws.com"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
REPOSITORY = Path(__file__).parents[1]
JOB_ENVIRONMENT = Path(os.environ.get("SOUND_VAE_JOB_ENVIRONMENT", REPOSITORY / ".venv-job"))
"""The virtual environment that holds what the training image holds (local/training-image.txt)."""

STOP_SECONDS = 120
"""Between SIGTERM and SIGKILL when a job is stopped, as on AWS."""

FAILURE_REASON_LIMIT = 1024


class JobFailedError(Exception):
    """The job ends as Failed; the message is its FailureReason."""


class TrainingJob:
    """Runs one training job; `record` is moto's entry, which DescribeTrainingJob shows."""

    def __init__(self, record: Any, region: str) -> None:
        self.record = record
        self.region = region
        self.metrics = {
            definition["Name"]: re.compile(definition["Regex"])
            for definition in record.algorithm_specification.get("MetricDefinitions") or []
        }
        self._process: Any = None
        self._stopped_as: str | None = None  # secondary status that a stop request asks for
        self._s3 = client_as(record.role_arn, SERVICE, "s3", region)

    def input_objects(self, channel: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Yield (bucket, key, path below the channel's folder) of a channel's S3 objects."""
        bucket, prefix = bucket_and_key(channel["DataSource"]["S3DataSource"]["S3Uri"])
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                key = item["Key"]
                if not key.endswith("/"):
                    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
                    below = key.removeprefix(folder) if key.startswith(folder) else Path(key).name
                    yield bucket, key, below

    def stop(self, as_status: str = "Stopped") -> None:
        """Ask the script to end: SIGTERM now, SIGKILL in two minutes."""
        self._stopped_as = as_status
        self._show("Stopping", status="Stopping")
        if self._process is not None:  # or `_train` will, once it has started one
            processes.send(self._process, signal.SIGTERM)
            killer = threading.Timer(STOP_SECONDS, processes.send, (self._process, signal.SIGKILL))
            killer.daemon = True
            killer.start()

    def run(self) -> None:
        """Carry the job out; every outcome ends up in the record."""
        base = processes.new_folder("training-job-")
        stream = f"{self.record.training_job_name}/algo-1-{int(utcnow().timestamp())}"
        try:
            self._show("Downloading")
            self._lay_out(base)
            if not self._stopped_as:
                self._show("Training")
            with LogStream(LOG_GROUP, stream, self.record.role_arn, self.region) as log:
                exit_code = self._train(base, log)
            if exit_code and not self._stopped_as:
                raise JobFailedError(self._reason(base, exit_code))
            self._show("Uploading")
            self._upload(base)
            end = self._stopped_as or "Completed"
            self._show(end, status="Stopped" if self._stopped_as else "Completed")
        except JobFailedError as failure:
            self._fail(str(failure))
        except Exception as error:  # of the service: no access, no toolkit, no disk
            self._fail(f"ClientError: {error}")
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def _lay_out(self, base: Path) -> None:
        for folder in ("input/config", "input/data", "model", "output/data", "code"):
            (base / folder).mkdir(parents=True)
        channels = {}
        for channel in self.record.input_data_config or []:
            name = channel["ChannelName"]
            for bucket, key, below in self.input_objects(channel):
                target = base / "input/data" / name / below
                target.parent.mkdir(parents=True, exist_ok=True)
                self._s3.download_file(bucket, key, str(target))
            channels[name] = {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
        resources = {
            "current_host": "localhost",
            "hosts": ["localhost"],
            "network_interface_name": "lo",
            "current_instance_type": self.record.resource_config["InstanceType"],
            "current_group_name": "homogeneousCluster",
            "instance_groups": [],
        }
        for name, content in {
            "hyperparameters": self.record.hyper_parameters,
            "inputdataconfig": channels,
            "resourceconfig": resources,
        }.items():
            (base / f"input/config/{name}.json").write_text(json.dumps(content))

    def _train(self, base: Path, log: LogStream) -> int:
        toolkit = JOB_ENVIRONMENT / "bin" / "train"
        if not toolkit.exists():
            raise JobFailedError(
                f"ClientError: {JOB_ENVIRONMENT} holds no training toolkit: `make demo` and "
                "`make test` set it up from local/training-image.txt."
            )
        environment = role_environment(self.record.role_arn, SERVICE, self.region) | {
            "PATH": f"{toolkit.parent}:{os.environ['PATH']}",
            "HOME": str(base),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - the system's default
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_tensorflow_container.training:main",
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_REGION": self.region,
            "S3_ENDPOINT_URL": endpoint_url(),  # what the toolkit reads in place of boto3's
            "TRAINING_JOB_NAME": self.record.training_job_name,
            "TRAINING_JOB_ARN": self.record.arn,
        }
        self._process = processes.start([toolkit], environment, base)
        if self._stopped_as:
            processes.send(self._process, signal.SIGTERM)
        limit = (self.record.stopping_condition or {}).get("MaxRuntimeInSeconds", 86400)
        with self._time_limit(limit):
            for line in self._process.stdout:
                log.write(line)
                self._read_metrics(line)
        exit_code = self._process.wait()
        processes.stop(self._process)
        return exit_code

    @contextmanager
    def _time_limit(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self.stop, ("MaxRuntimeExceeded",))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _read_metrics(self, line: str) -> None:
        final = {m["MetricName"]: m for m in self.record.final_metric_data_list}
        for name, regex in self.metrics.items():
            for value in regex.findall(line):
                final[name] = {"MetricName": name, "Value": float(value), "Timestamp": utcnow()}
        self.record.final_metric_data_list = list(final.values())

    def _reason(self, base: Path, exit_code: int) -> str:
        """Build the FailureReason out of what the script, or else the toolkit, has written."""
        failure = base / "output/failure"
        text = failure.read_text(errors="replace").strip() if failure.exists() else ""
        return f"AlgorithmError: {text}, exit code: {exit_code}"

    def _upload(self, base: Path) -> None:
        bucket, prefix = bucket_and_key(self.record.output_data_config["S3OutputPath"])
        folder = "/".join(filter(None, [prefix.strip("/"), self.record.training_job_name]))
        for name, source in {"model": "model", "output": "output/data"}.items():
            files = sorted((base / source).iterdir())
            if files:
                archive = base / f"{name}.tar.gz"
                with tarfile.open(archive, "w:gz") as tar:
                    for file in files:
                        tar.add(file, arcname=file.name)
                self._s3.upload_file(str(archive), bucket, f"{folder}/output/{archive.name}")
        self.record.model_artifacts = {
            "S3ModelArtifacts": f"s3://{bucket}/{folder}/output/model.tar.gz"
        }

    def _show(self, secondary: str, status: str = "InProgress", message: str = "") -> None:
        now = utcnow()
        transitions = self.record.secondary_status_transitions
        if transitions:
            transitions[-1]["EndTime"] = now
        transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        self.record.last_modified_time = now
        if secondary == "Training":
            self.record.training_start_time = now
        if status in ("Completed", "Failed", "Stopped"):
            self.record.training_end_time = now
            seconds = int((now - self.record.training_start_time).total_seconds())
            self.record.training_time_in_seconds = seconds
            self.record.billable_time_in_seconds = seconds
        self.record.secondary_status = secondary
        self.record.training_job_status = status

    def _fail(self, reason: str) -> None:
        self.record.failure_reason = reason[:FAILURE_REASON_LIMIT]
        self._show("Failed", status="Failed", message=self.record.failure_reason)
