"""Executions of the state machine: start one, list them, and what came of each."""

import io
import json
import re
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.failure import Failure
from client.stack import Stack

SHOWN = 20  # executions, the newest first


@dataclass(frozen=True)
class Run:
    """One execution."""

    arn: str
    status: str  # RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
    started: datetime
    stopped: datetime | None
    output: dict[str, Any]  # {} unless it succeeded
    cause: str  # why it failed

    @property
    def name(self) -> str:
        """What the console calls it."""
        return self.arn.rpartition(":")[2]

    @property
    def seconds(self) -> float:
        """How long it took, or has been running."""
        return ((self.stopped or datetime.now(UTC)) - self.started).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Give what a program wants to know."""
        return {
            "name": self.name,
            "status": self.status,
            "started": self.started.isoformat(),
            "seconds": round(self.seconds),
            "cause": self.cause,
            "output": self.output,
        }


def start(stack: Stack, request: dict[str, Any]) -> str:
    """Start an execution with this input; give its ARN."""
    arn: str = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.state_machine, input=json.dumps(request)
    )["executionArn"]
    return arn


def listed(stack: Stack, most: int = SHOWN) -> list[Run]:
    """List the newest executions."""
    api = stack.client("stepfunctions")
    found = api.list_executions(stateMachineArn=stack.state_machine, maxResults=most)["executions"]
    return [_run(api, execution["executionArn"]) for execution in found[:most]]


def newest(stack: Stack, most: int = SHOWN) -> list[Run]:
    """List the newest executions with one call, and so without what came of them."""
    found = stack.client("stepfunctions").list_executions(
        stateMachineArn=stack.state_machine, maxResults=most
    )["executions"]
    return [
        Run(
            execution["executionArn"],
            execution["status"],
            execution["startDate"].astimezone(UTC),
            execution["stopDate"].astimezone(UTC) if execution.get("stopDate") else None,
            {},
            "",
        )
        for execution in found[:most]
    ]


def named(stack: Stack, name: str) -> Run:
    """One execution by its name, or by the beginning of it that no other has."""
    api = stack.client("stepfunctions")
    pages = api.get_paginator("list_executions").paginate(stateMachineArn=stack.state_machine)
    arns = [e["executionArn"] for page in pages for e in page["executions"]]
    if not arns:
        raise Failure("There is no run yet: start one with `soundvae train`.")
    if name == "latest":
        return _run(api, arns[0])
    fitting = [arn for arn in arns if arn.rpartition(":")[2].startswith(name)]
    if len(fitting) == 1:
        return _run(api, fitting[0])
    which = "several runs begin" if fitting else "no run begins"
    raise Failure(f"{which} with {name!r}: `soundvae runs` lists their names.")


def served_model(stack: Stack) -> str:
    """Say the URL of the model that is recorded as served."""
    url: str = stack.client("ssm").get_parameter(Name=stack.outputs["ServedModelParameter"])[
        "Parameter"
    ]["Value"]
    return url


def model_of(run: Run) -> str:
    """Say the URL of the model that a run trained; raises `Failure` when it has none."""
    model = run.output.get("model")
    if not model:
        raise Failure(f"Run {run.name} has no model: it {_ended(run)}.")
    return str(model)


def previous_model(stack: Stack) -> str:
    """Say what was served before the newest promotion; raises `Failure` when nobody knows."""
    served = served_model(stack)
    for run in listed(stack):
        if run.output.get("promoted") and run.output.get("model") == served:
            previous = run.output.get("previous_model")
            if previous:
                return str(previous["model"] if isinstance(previous, dict) else previous)
    raise Failure(
        "No run says what was served before: `soundvae runs` lists the runs; promote one of them."
    )


def fetch_report(stack: Stack, run: Run, folder: Path) -> list[Path]:
    """Unpack a run's report into a folder: report.html, report.json, samples/."""
    url = run.output.get("report")
    if not url:
        raise Failure(f"Run {run.name} has no report: it {_ended(run)}.")
    bucket, key = in_s3(str(url), f"Run {run.name} names {url} as its report")
    body = stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        archive.extractall(folder, filter="data")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def in_s3(url: str, what: str) -> tuple[str, str]:
    """Split the URL of an object into bucket and key; raises `Failure` that begins with `what`."""
    found = re.fullmatch(r"s3://([^/]+)/(.+)", url)
    if not found:
        raise Failure(f"{what}, which is no address in S3.")
    return found[1], found[2]


def _ended(run: Run) -> str:
    if run.status == "RUNNING":
        return "is still running"
    return f"ended with {run.status}" + (f": {run.cause}" if run.cause else "")


def _run(api: Any, arn: str) -> Run:
    said = api.describe_execution(executionArn=arn)
    output = json.loads(said.get("output") or "{}")
    return Run(
        arn,
        said["status"],
        said["startDate"].astimezone(UTC),
        said["stopDate"].astimezone(UTC) if said.get("stopDate") else None,
        output if isinstance(output, dict) else {},
        said.get("cause", ""),
    )
