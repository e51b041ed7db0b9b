"""Follows an execution as a user would: by its history and the training job's log."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
POLL_SECONDS = 1
EPOCH = re.compile(r"\bepoch=(\d+)\b")
LENGTH = re.compile(r"^(\d+) epochs? of ")
REPORTED_TYPES = ("Task", "Parallel", "Map")
"""Types of states that do work or contain others; the rest only choose, wait or pass on."""


class State(NamedTuple):
    """The execution has entered a state for the first time."""

    name: str
    depth: int  # how many Parallel or Map states it lies in


class Epoch(NamedTuple):
    """The training job has finished an epoch."""

    number: int
    figures: dict[str, float]  # such as val_loss


class Job(NamedTuple):
    """A training job was asked for."""

    name: str
    instance_type: str


class Length(NamedTuple):
    """The training job has said how many epochs it will go through."""

    epochs: int


class ExecutionFailedError(Exception):
    """The execution did not succeed; the message is its error and cause."""


def follow(
    arn: str, stepfunctions: Any, logs: Any
) -> Iterator[State | Job | Length | Epoch | dict[str, Any]]:
    """Yield states, jobs and epochs as they come, and the execution's output last.

    Each state is reported once. Of an execution that this one starts, only the state that waits
    for it is reported.

    Raises:
        ExecutionFailedError: it ended otherwise; with the cause.

    """
    depths = outline(_definition(arn, stepfunctions))
    seen_events, log = 0, JobLog(logs)
    while True:
        execution = stepfunctions.describe_execution(executionArn=arn)
        events = _history(arn, stepfunctions)
        for event in events[seen_events:]:
            name = event.get("stateEnteredEventDetails", {}).get("name")
            if name in depths:
                yield State(name, depths.pop(name))
            job = event.get("taskScheduledEventDetails", {})
            if job.get("resource", "").startswith("createTrainingJob"):
                asked = json.loads(job["parameters"])
                log.read_job(asked["TrainingJobName"])
                instances = asked.get("ResourceConfig", {})
                yield Job(asked["TrainingJobName"], instances.get("InstanceType", ""))
        seen_events = len(events)
        yield from log.news()
        if execution["status"] == "SUCCEEDED":
            yield json.loads(execution["output"])
            return
        if execution["status"] != "RUNNING":
            error, cause = execution.get("error", ""), execution.get("cause", "")
            raise ExecutionFailedError(f"{execution['status']}: {error}: {cause}")
        time.sleep(POLL_SECONDS)


def outline(machine: Mapping[str, Any], depth: int = 0) -> dict[str, int]:
    """Return the states to report, and how deeply each is nested."""
    depths = {}
    for name, state in machine["States"].items():
        if state["Type"] in REPORTED_TYPES:
            depths[name] = depth
        inside = [*state.get("Branches", []), state.get("ItemProcessor")]
        for part in filter(None, inside):
            depths |= outline(part, depth + 1)
    return depths


def _definition(arn: str, stepfunctions: Any) -> dict[str, Any]:
    machine = stepfunctions.describe_state_machine_for_execution(executionArn=arn)
    definition: dict[str, Any] = json.loads(machine["definition"])
    return definition


def _history(arn: str, stepfunctions: Any) -> list[dict[str, Any]]:
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


class JobLog:
    """Reads the lines about epochs out of a training job's log stream."""

    def __init__(self, logs: Any) -> None:
        self._logs = logs
        self._job: str | None = None
        self._stream: str | None = None
        self._position: dict[str, str] = {}

    def read_job(self, name: str) -> None:
        """Read this job's log from now on."""
        self._job, self._stream, self._position = name, None, {}

    def new_epochs(self) -> Iterator[Epoch]:
        """Yield the epochs logged since the last call."""
        return (told for told in self.news() if isinstance(told, Epoch))

    def news(self) -> Iterator[Length | Epoch]:
        """Yield the number of epochs and those logged since the last call."""
        if self._job is None or not (self._stream or self._find_stream()):
            return
        page = self._logs.get_log_events(
            logGroupName=LOG_GROUP,
            logStreamName=self._stream,
            startFromHead=True,
            **self._position,
        )
        self._position = {"nextToken": page["nextForwardToken"]}
        for event in page["events"]:
            if number := EPOCH.search(event["message"]):
                pairs = re.findall(r"(\w+)=([-+0-9.eE]+)", event["message"])
                yield Epoch(int(number[1]), {name: float(value) for name, value in pairs})
            elif length := LENGTH.match(event["message"]):
                yield Length(int(length[1]))

    def _find_stream(self) -> bool:
        try:
            streams = self._logs.describe_log_streams(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self._job}/"
            )["logStreams"]
        except ClientError:  # no job has written yet
            return False
        self._stream = streams[0]["logStreamName"] if streams else None
        return bool(streams)
