"""An execution that makes sounds in bulk, as it goes on: its jobs, and how many sounds there are.

The state machine that was started leaves the work to another one, whose newest events tell.
"""

import json
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.failure import Failure
from client.following import POLL_SECONDS
from client.stack import Stack

NEWEST = 100  # events that are looked at; what is told last is told again


def watch(stack: Stack, arn: str, total: int | None, console: Console) -> dict[str, Any]:
    """Show an execution until it ends; give its output. Raises `Failure` with its cause."""
    api, called, job = stack.client("stepfunctions"), "", ""
    with _progress(console) as progress:
        task = progress.add_task("starting", total=total)
        while True:
            execution = api.describe_execution(executionArn=arn)
            called = called or _called(api, arn)
            if called:
                sounds, newest = _told(api, called)
                if newest and newest != job:
                    job = newest
                    console.print(f"  [dim]job {job}[/]", highlight=False)
                progress.update(task, description="making sounds" if job else "asking the endpoint")
                if sounds:
                    progress.update(task, completed=sounds)
            if execution["status"] == "SUCCEEDED":
                output: dict[str, Any] = json.loads(execution["output"])
                return output
            if execution["status"] != "RUNNING":
                error, cause = execution.get("error", ""), execution.get("cause", "")
                raise Failure(f"{execution['status']}: {error}: {cause}")
            time.sleep(POLL_SECONDS)


def _called(api: Any, arn: str) -> str:
    """Say which execution the state that generates waits for; empty before it has been started."""
    pages = api.get_paginator("get_execution_history").paginate(executionArn=arn)
    started, generates = "", False
    for event in (event for page in pages for event in page["events"]):
        entered = event.get("stateEnteredEventDetails", {}).get("name")
        generates = generates or entered == "Generate sounds"
        if generates and (said := event.get("taskSubmittedEventDetails", {}).get("output")):
            started = str(json.loads(said).get("ExecutionArn", ""))
    return started


def _told(api: Any, arn: str) -> tuple[int, str]:
    """Say how many sounds the newest events tell of, and of which job."""
    events = api.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=NEWEST)
    sounds, job = 0, ""
    for event in events["events"]:
        assigned = event.get("stateExitedEventDetails", {}).get("assignedVariables") or {}
        if not sounds and "totals" in assigned:
            sounds = int(json.loads(assigned["totals"]).get("sounds", 0))
        scheduled = event.get("taskScheduledEventDetails", {})
        if not job and scheduled.get("resource", "").startswith("createTransformJob"):
            job = json.loads(scheduled["parameters"])["TransformJobName"]
    return sounds, job


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
