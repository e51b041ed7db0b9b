"""A training run as it goes on, looked at again and again: state, epochs, sounds to hear.

It reads what `soundvae train --watch` reads, but one look at a time.
"""

import json
import re
from threading import Lock
from typing import Any

from client.failure import Failure, in_one_sentence
from client.following import JobLog, outline
from client.runs import Run
from client.stack import Stack
from client.studio.wishes import WrongWishError

SAMPLES = "output/{job}/tensorboard-output/samples/"
"""Where SageMaker's TensorBoardOutputConfig puts the sounds that a job makes while it trains."""
SAMPLE = re.compile(r"epoch-(\d+)/([^/]+)\.wav")
MOST_SAMPLES = 5_000
MOST_SAMPLE_BYTES = 20_000_000


class RunProgress:
    """What is known of one execution so far."""

    def __init__(self, stack: Stack, run: Run) -> None:
        self._stack, self._arn, self._name = stack, run.arn, run.name
        self._lock = Lock()
        self._log = JobLog(stack.client("logs"))
        self._states: dict[str, int] = {}
        self._epochs: list[dict[str, float]] = []
        self._job: str | None = None  # of the newest attempt
        self._of: int | None = None  # epochs at most
        self._samples: dict[tuple[int, str], str] = {}  # epoch and name: key

    def look(self) -> dict[str, Any]:
        """Say how far it is, with all epochs that are known; raises `Failure`."""
        with self._lock, in_one_sentence():
            api = self._stack.client("stepfunctions")
            execution = api.describe_execution(executionArn=self._arn)
            if not self._states:
                machine = api.describe_state_machine_for_execution(executionArn=self._arn)
                self._states = outline(json.loads(machine["definition"]))
            state = self._read_history(api)
            for epoch in self._log.new_epochs():
                self._epochs.append({**epoch.figures, "epoch": epoch.number})
            self._list_samples()
            running = execution["status"] == "RUNNING"
            return {
                "name": self._name,
                "status": execution["status"],
                "state": state if running else None,
                "cause": execution.get("cause", ""),
                "why": _why(execution.get("output")),
                "job": self._job,
                "epochs": self._epochs,
                "of": self._of,
                "samples": [{"epoch": n, "name": name} for n, name in sorted(self._samples)],
            }

    def sample(self, epoch: int, name: str) -> bytes:
        """Give a sound that the job made after an epoch: the content of a WAV file."""
        with self._lock, in_one_sentence():
            key = self._samples.get((epoch, name))
            if not key:
                raise WrongWishError(
                    f"The run {self._name} has no sound {name!r} of epoch {epoch}."
                )
            found = self._stack.client("s3").get_object(Bucket=self._stack.bucket, Key=key)
            if found["ContentLength"] > MOST_SAMPLE_BYTES:
                raise Failure(f"{key} is larger than {MOST_SAMPLE_BYTES // 1_000_000} MB.")
            return bytes(found["Body"].read())

    def _read_history(self, api: Any) -> str | None:
        """Find the job of the newest attempt, and the name of the state that it is in."""
        state, asked = None, None
        pages = api.get_paginator("get_execution_history").paginate(executionArn=self._arn)
        for event in (event for page in pages for event in page["events"]):
            entered = event.get("stateEnteredEventDetails", {}).get("name")
            state = entered if entered in self._states else state
            job = event.get("taskScheduledEventDetails", {})
            if job.get("resource", "").startswith("createTrainingJob"):
                asked = json.loads(job["parameters"])
        if asked and asked["TrainingJobName"] != self._job:  # the first, or one more attempt
            self._job = asked["TrainingJobName"]
            self._log.read_job(self._job)
            self._epochs, self._samples = [], {}
            epochs = str(asked.get("HyperParameters", {}).get("epochs", ""))
            self._of = int(epochs) if epochs.isdecimal() else None
        return state

    def _list_samples(self) -> None:
        if not self._job:
            return
        prefix = SAMPLES.format(job=self._job)
        pages = self._stack.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(
            Bucket=self._stack.bucket, Prefix=prefix, PaginationConfig={"MaxItems": MOST_SAMPLES}
        )
        for thing in (thing for page in found for thing in page.get("Contents", [])):
            key = thing["Key"]
            if named := SAMPLE.fullmatch(key.removeprefix(prefix)):
                self._samples[int(named[1]), named[2]] = key


def _why(output: str | None) -> str:
    """Say why the endpoint serves the new model, or does not."""
    said = json.loads(output or "{}")
    return str(said.get("why", "")) if isinstance(said, dict) else ""
