"""Runs a definition against made-up services: enough of Step Functions for its states to meet.

The stand-in in local/ runs the same definition with real jobs; this one takes milliseconds, so
that every way through the graph can be walked. Branches of a Parallel state run one after the
other, retries are not made, and an expression that cannot be evaluated passes the Catch of its own
state by, as it may on AWS.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.infra.pipeline.evaluator import QueryError, evaluate

Definition = dict[str, Any]
Service = Callable[[dict[str, Any]], Any]
NOT_IN_ALL = {"States.DataLimitExceeded", "States.Runtime"}  # as the developer guide says


class ServiceError(Exception):
    """What a made-up service raises: the error's name and its cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.output = {"Error": error, "Cause": cause}


@dataclass
class Execution:
    """What came of it, and of the state machines that it called."""

    status: str = ""
    output: Any = None
    error: str = ""
    cause: str = ""
    states: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waited: float = 0  # seconds

    def calls_of(self, action: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == action]


@dataclass
class Account:
    """The services, by the names of their actions, and the state machines that may be called."""

    services: dict[str, Service]
    machines: dict[str, Definition] = field(default_factory=dict)  # by ARN


def run(
    definition: Definition,
    given: Any,
    account: Account,
    name: str = "5d9b1c3e-1111-2222-3333-444455556666",
) -> Execution:
    """Start at StartAt and go on until an end."""
    execution = Execution()
    try:
        execution.output = _run(definition, given, account, name, execution, {})
        execution.status = "SUCCEEDED"
    except ServiceError as error:
        execution.status = "FAILED"
        execution.error, execution.cause = error.output["Error"], error.output["Cause"]
    return execution


def _run(
    definition: Definition,
    given: Any,
    account: Account,
    name: str,
    execution: Execution,
    variables: dict[str, Any],
) -> Any:
    """Return the output; `variables` are those around a branch, which it cannot change."""
    inner: dict[str, Any] = {}
    state_name, value = definition["StartAt"], given
    for step in range(2000):
        state = definition["States"][state_name]
        execution.states.append(state_name)
        context = {
            "Execution": {"Id": f"arn:execution:{name}", "Name": name},
            "State": {"Name": state_name, "EnteredTime": f"time {step}", "RetryCount": 0},
        }
        states = {"input": value, "context": context}

        def filled(template: Any, states: dict[str, Any] = states) -> Any:
            if isinstance(template, dict):
                return {key: filled(item, states) for key, item in template.items()}
            if isinstance(template, list):
                return [filled(item, states) for item in template]
            if isinstance(template, str) and template.startswith("{%"):
                try:
                    return evaluate(template, states=states, **variables, **inner)
                except QueryError as error:
                    raise ServiceError("States.QueryEvaluationError", str(error)) from error
            return template

        def within(part: Definition, item: Any) -> Any:
            return _run(part, item, account, name, execution, {**variables, **inner})

        effect, result, following = state, value, state.get("Next")
        if state["Type"] == "Fail":
            raise ServiceError(filled(state["Error"]), filled(state["Cause"]))
        if state["Type"] == "Wait":
            execution.waited += filled(state["Seconds"])
        elif state["Type"] == "Choice":
            chosen = next((c for c in state["Choices"] if filled(c["Condition"]) is True), None)
            effect, following = (chosen, chosen["Next"]) if chosen else (state, state["Default"])
        elif state["Type"] in ("Task", "Map", "Parallel"):
            arguments = filled(state.get("Arguments", value))
            try:
                if state["Type"] == "Task":
                    result = _task(state["Resource"], arguments, account, name, execution)
                elif state["Type"] == "Map":
                    items = filled(state["Items"])
                    result = [within(state["ItemProcessor"], item) for item in items]
                else:
                    result = [within(branch, arguments) for branch in state["Branches"]]
                states["result"] = result
            except ServiceError as error:
                if (rule := _catcher(state, error.output["Error"])) is None:
                    raise
                effect, following = rule, rule["Next"]
                result = states["errorOutput"] = error.output
        assigned = filled(effect.get("Assign", {}))
        assert not set(assigned) & set(variables), "a branch cannot assign what lies around it"
        value = filled(effect["Output"]) if "Output" in effect else result
        inner.update(assigned)
        if state["Type"] == "Succeed" or (state.get("End") and effect is state):
            return value
        state_name = following
    raise AssertionError(f"no end after {execution.states[-5:]}")


def _catcher(state: dict[str, Any], error: str) -> dict[str, Any] | None:
    for rule in state.get("Catch", []):
        if error in rule["ErrorEquals"]:
            return rule
        if "States.ALL" in rule["ErrorEquals"] and error not in NOT_IN_ALL:
            return rule
    return None


def _task(
    resource: str, arguments: dict[str, Any], account: Account, name: str, execution: Execution
) -> Any:
    action = resource.split(":::")[1].partition(":")[2].removeprefix("aws-sdk:").split(":", 1)[-1]
    if action in ("startExecution.sync:2", "2"):
        return _called(arguments, account, name, execution)
    execution.calls.append((action, arguments))
    return json.loads(json.dumps(account.services[action](arguments)))


def _called(
    arguments: dict[str, Any], account: Account, name: str, execution: Execution
) -> dict[str, Any]:
    """Run another state machine to its end, and fail as `.sync:2` does."""
    called = f"{name}-{arguments['Input']['operation']}"
    definition = account.machines[arguments["StateMachineArn"]]
    arn = f"arn:execution:{called}"
    try:
        output = _run(definition, arguments["Input"], account, called, execution, {})
    except ServiceError as error:
        description = {**error.output, "ExecutionArn": arn, "Status": "FAILED"}
        raise ServiceError("States.TaskFailed", json.dumps(description)) from error
    return {"ExecutionArn": arn, "Status": "SUCCEEDED", "Output": output}
