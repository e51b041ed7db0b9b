"""A state machine that calls another, as AWS was recorded to: parsed output, and its failure."""

import json
import time
from typing import Any

import pytest

from tests.local.deployment import Client, Execute, MakeRole
from tests.local.waiting import until

CALL = "arn:aws:states:::states:startExecution.sync:2"


@pytest.fixture
def called(client: Client, make_role: MakeRole) -> Any:
    """Make the state machine that is called; return its ARN."""

    def make(states: dict[str, Any]) -> str:
        name = f"called-{time.monotonic_ns()}"
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        role = make_role(name, "states.amazonaws.com")
        arn: str = client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        return arn

    return make


def calling(arn: str) -> dict[str, Any]:
    task = {"Type": "Task", "Resource": CALL, "End": True}
    return {"Call": {**task, "Arguments": {"StateMachineArn": arn, "Input": {"n": 1}}}}


def test_its_output_comes_parsed(called: Any, execute: Execute) -> None:
    arn = called({"Add": {"Type": "Succeed", "Output": {"n": "{% $states.input.n + 1 %}"}}})
    answer = execute(calling(arn))
    output = json.loads(answer["output"])
    assert (output["Status"], output["Output"], output["Input"]) == (
        "SUCCEEDED",
        {"n": 2},
        {"n": 1},
    )


def test_its_failure_is_a_failed_task_with_the_description_as_the_cause(
    called: Any, execute: Execute
) -> None:
    arn = called({"No": {"Type": "Fail", "Error": "Mine", "Cause": "It is so."}})
    answer = execute(calling(arn))
    cause = json.loads(answer["cause"])
    assert answer["error"] == "States.TaskFailed"
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("Mine", "It is so.", "FAILED")
    assert cause["ExecutionArn"].startswith(arn.replace(":stateMachine:", ":execution:"))


def test_it_needs_the_permissions_of_the_callers_role(
    called: Any, execute: Execute, make_role: MakeRole
) -> None:
    arn = called({"Done": {"Type": "Succeed"}})
    role = make_role(f"caller-{time.monotonic_ns()}", "states.amazonaws.com")
    answer = execute(calling(arn), role=role)
    assert "not authorized to perform: states:StartExecution" in answer["cause"]


def test_it_is_stopped_with_its_caller(called: Any, client: Client, make_role: MakeRole) -> None:
    arn = called({"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    api = client("stepfunctions")
    everything = {"Action": "*", "Resource": "*"}
    role = make_role(f"caller-{time.monotonic_ns()}", "states.amazonaws.com", everything)
    definition = {"QueryLanguage": "JSONata", "StartAt": "Call", "States": calling(arn)}
    caller = api.create_state_machine(
        name=f"calling-{time.monotonic_ns()}", definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]
    execution = api.start_execution(stateMachineArn=caller)["executionArn"]

    def of_called(status: str) -> list[Any]:
        found: list[Any] = api.list_executions(stateMachineArn=arn, statusFilter=status)[
            "executions"
        ]
        return found

    until(lambda: of_called("RUNNING"))
    api.stop_execution(executionArn=execution)
    until(lambda: of_called("ABORTED"))
