"""Executions of a state machine that trains, as Step Functions tells of them."""

import json
from datetime import UTC, datetime
from typing import Any

JOB = "sound-vae-run-7"
MACHINE = {
    "States": {
        "Check the input": {"Type": "Choice"},
        "Train": {"Type": "Task"},
        "Promote": {"Type": "Task"},
    }
}


def entered(name: str) -> dict[str, Any]:
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}


def scheduled(job: str) -> dict[str, Any]:
    parameters = {"TrainingJobName": job, "HyperParameters": {"epochs": "5"}}
    details = {"resource": "createTrainingJob.sync", "parameters": json.dumps(parameters)}
    return {"type": "TaskScheduled", "taskScheduledEventDetails": details}


class Executions:
    """`stepfunctions` of a state machine with these executions, whose history grows."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.status, self.more = "RUNNING", dict[str, Any]()
        self.history = [entered("Check the input"), entered("Train"), scheduled(JOB)]

    def list_executions(self, **_: Any) -> dict[str, Any]:
        return {"executions": [self.describe_execution(f"arn:run:{n}") for n in self.names]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        started = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
        ended = {} if self.status == "RUNNING" else {"stopDate": started}
        about = {"executionArn": executionArn, "status": self.status, "startDate": started}
        return {**about, **ended, **self.more}

    def describe_state_machine_for_execution(self, **_: Any) -> dict[str, Any]:
        return {"definition": json.dumps(MACHINE)}

    def get_paginator(self, call: str) -> "_Pages":
        pages = {
            "list_executions": self.list_executions,
            "get_execution_history": lambda **_: {"events": self.history},
        }
        return _Pages(pages[call])


class _Pages:
    def __init__(self, call: Any) -> None:
        self.call = call

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [self.call()]


class Log:
    """`logs` of training jobs that have written these lines."""

    def __init__(self, **lines: list[str]) -> None:
        self.lines = lines

    def describe_log_streams(self, logStreamNamePrefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = [job for job in self.lines if f"{job}/" == logStreamNamePrefix]
        return {"logStreams": [{"logStreamName": f"{job}/algo-1"} for job in found]}

    def get_log_events(
        self,
        logStreamName: str,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        lines = self.lines[logStreamName.partition("/")[0]]
        events = [{"message": line} for line in lines[int(nextToken) :]]
        return {"events": events, "nextForwardToken": str(len(lines))}
