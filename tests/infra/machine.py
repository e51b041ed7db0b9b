"""Runs a definition against made-up services: enough of Step Functions for its states to meet.

The stand-in in local/ runs the same definition with real jobs; this one takes milliseconds, so
that every way through the graph can be walked.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.infra.evaluator import evaluate

Service = Callable[[dict[str, Any]], Any]


class ServiceError(Exception):
    """What a made-up service raises: the error's name and its cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.output = {"Error": error, "Cause": cause}


@dataclass
class Execution:
    """What came of it."""

    status: str = ""
    output: Any = None
    error: str = ""
    cause: str = ""
    states: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waited: float = 0  # seconds

    def calls_of(self, action: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == action]


def run(
    definition: dict[str, Any],
    given: Any,
    services: dict[str, Service],
    name: str = "5d9b1c3e-1111-2222-3333-444455556666",
    execution: Execution | None = None,
    variables: dict[str, Any] | None = None,
) -> Execution:
    """Start at StartAt and go on until an end; retries are not made.

    `execution` and `variables` are those around it when the states of a Map are run.
    """
    execution, variables = execution or Execution(), dict(variables or {})
    state_name, value = definition["StartAt"], given
    for step in range(1000):
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
                return evaluate(template, states=states, **variables)
            return template

        effect, result, following = state, value, state.get("Next")
        if state["Type"] == "Fail":
            execution.status, execution.error = "FAILED", filled(state["Error"])
            execution.cause = filled(state["Cause"])
            return execution
        if state["Type"] == "Wait":
            execution.waited += filled(state["Seconds"])
        elif state["Type"] == "Choice":
            chosen = next((c for c in state["Choices"] if filled(c["Condition"]) is True), None)
            effect, following = (chosen, chosen["Next"]) if chosen else (state, state["Default"])
        elif state["Type"] == "Task":
            action = state["Resource"].split(":")[-1]
            arguments = filled(state["Arguments"])
            execution.calls.append((action, arguments))
            try:
                result = states["result"] = json.loads(json.dumps(services[action](arguments)))
            except ServiceError as error:
                caught = (
                    rule
                    for rule in state.get("Catch", [])
                    if {"States.ALL", error.output["Error"]} & set(rule["ErrorEquals"])
                )
                if (rule := next(caught, None)) is None:
                    raise
                effect, following = rule, rule["Next"]
                result = states["errorOutput"] = error.output
        elif state["Type"] == "Map":
            try:
                result = [
                    run(state["ItemProcessor"], item, services, name, execution, variables).output
                    for item in filled(state["Items"])
                ]
            except ServiceError as error:
                (effect,) = state["Catch"]
                result = states["errorOutput"] = error.output
                following = effect["Next"]
        assigned = filled(effect.get("Assign", {}))
        value = filled(effect["Output"]) if "Output" in effect else result
        variables.update(assigned)
        if state["Type"] == "Succeed" or state.get("End"):
            execution.status, execution.output = "SUCCEEDED", value
            return execution
        state_name = following
    raise AssertionError(f"no end after {execution.states[-5:]}")
