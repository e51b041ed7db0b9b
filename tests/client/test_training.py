"""`soundvae train` says what an execution is to begin with; `soundvae runs` what came of them."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from client.app import app
from client.stack import Stack

MODEL = "s3://bucket/output/job/output/model.tar.gz"


class Executions:
    """A state machine with one run that has ended, and those that are started."""

    def __init__(self, output: dict[str, Any]) -> None:
        self.started: list[dict[str, Any]] = []
        self.output, self.cause = output, ""

    def start_execution(self, **given: str) -> dict[str, str]:
        self.started.append(json.loads(given["input"]))
        return {"executionArn": "arn:aws:states:us-east-1:1:execution:sound-vae:new"}

    def get_paginator(self, _: str) -> Any:
        run = {"executionArn": "arn:aws:states:us-east-1:1:execution:sound-vae:5c1e-run"}
        return SimpleNamespace(paginate=lambda **_: [{"executions": [run]}])

    def list_executions(self, **_: Any) -> Any:
        return self.get_paginator("").paginate()[0]

    def get_parameter(self, **_: str) -> Any:
        return {"Parameter": {"Value": MODEL}}

    def describe_execution(self, **_: str) -> dict[str, Any]:
        said = {"startDate": datetime.now(UTC)}
        if self.cause:
            return {"status": "FAILED", "cause": self.cause, **said}
        status = "SUCCEEDED" if self.output else "RUNNING"
        return {"status": status, "output": json.dumps(self.output), **said}


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> Executions:
    found = Executions({"model": MODEL})
    outputs = {"ServedModelParameter": "/sound-vae/served-model"}
    stack = SimpleNamespace(client=lambda _: found, state_machine="arn", outputs=outputs)
    monkeypatch.setattr(Stack, "find", lambda _: stack)
    return found


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        ([], {}),
        (["--quality", "draft"], {"hyperparameters": {"quality": "draft"}}),
        (["--prepare", "always"], {"prepare": "always"}),
        (["--set", "epochs=3", "--spot"], {"hyperparameters": {"epochs": 3}, "spot": True}),
        (["--start-from", "served"], {"start_from": "served"}),
        (["--start-from", MODEL], {"start_from": MODEL}),
        (["--start-from", "5c1e"], {"start_from": MODEL}),
        (["--start-from", "latest"], {"start_from": MODEL}),
    ],
)
def test_the_options_become_the_execution_s_input(
    executions: Executions, options: list[str], request_: dict[str, Any]
) -> None:
    done = CliRunner().invoke(app, ["train", *options])
    assert done.exit_code == 0, done.output
    assert executions.started == [request_]


def test_a_run_that_has_no_model_yet_cannot_be_started_from(executions: Executions) -> None:
    executions.output = {}
    done = CliRunner().invoke(app, ["train", "--start-from", "5c1e"])
    assert done.exit_code != 0
    assert "Run 5c1e-run has no model: it is still running" in str(done.exception)
    assert executions.started == []


def test_the_list_says_why_a_run_failed(executions: Executions) -> None:
    assert "served" in CliRunner().invoke(app, ["runs"]).output
    executions.cause = "There is no sound under s3://bucket/audio/: upload some [first]."
    done = CliRunner().invoke(app, ["runs"])
    assert done.exit_code == 0, done.output
    assert f"5c1e-run failed: {executions.cause}" in done.output
