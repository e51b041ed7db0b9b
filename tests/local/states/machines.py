"""Pieces of state machines that tests put together."""

import json
from typing import Any


def task(resource: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Task state, the last one unless `more` says what is next."""
    where = {} if "Next" in more else {"End": True}
    resource = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, **where, **more}


def block(*branches: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Parallel state; each branch is its states, the first of them first."""
    where = {} if "Next" in more else {"End": True}
    machines = [{"StartAt": next(iter(states)), "States": states} for states in branches]
    return {"Type": "Parallel", "Branches": machines, **where, **more}


def caught_by(name: str, *errors: str) -> dict[str, Any]:
    """A Catch that keeps the error, and goes on with the state `name`."""
    catcher = {
        "ErrorEquals": list(errors or ("States.ALL",)),
        "Output": "{% $states.errorOutput %}",
        "Next": name,
    }
    return {"Catch": [catcher]}


PASS: dict[str, Any] = {"Type": "Pass", "End": True}


def output(answer: dict[str, Any]) -> Any:
    """The output of an execution that is to succeed."""
    assert answer["status"] == "SUCCEEDED", answer
    return json.loads(answer["output"])
