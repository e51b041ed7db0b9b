"""What Step Functions refuses when a state machine is created, and moto takes.

Measured on AWS (floci-io/floci, issues 2670, 2735 and 2745: codes and sentences) and documented
there (workflow-variables: scopes). Only definitions in JSONata are looked at.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonata import Jsonata

State = dict[str, Any]
COMMON = {"Type", "Comment", "QueryLanguage"}
FLOW = {"Next", "End"}
RESULT = {"Output", "Assign"}
FAILING = {"Retry", "Catch"}
MAP = {
    "Items",
    "ItemSelector",
    "ItemProcessor",
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
}
MAP |= {"MaxConcurrency", "ToleratedFailurePercentage", "ToleratedFailureCount"}
FIELDS = {
    "Task": FLOW
    | RESULT
    | FAILING
    | {"Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Parallel": FLOW | RESULT | FAILING | {"Branches", "Arguments"},
    "Map": FLOW | RESULT | FAILING | MAP,
    "Pass": FLOW | RESULT,
    "Wait": FLOW | RESULT | {"Seconds", "Timestamp"},
    "Choice": RESULT | {"Choices", "Default"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}


class RefusedError(Exception):
    """The definition is not one that Step Functions takes; says what is wrong, and where."""


def _refuse(code: str, what: str, path: str) -> RefusedError:
    return RefusedError(f"Invalid State Machine Definition: '{code}: {what} at {path}'")


def _machines(state: State) -> list[dict[str, Any]]:
    return list(state.get("Branches", [])) + [state[k] for k in ("ItemProcessor",) if k in state]


def _targets(state: State) -> Iterator[str]:
    for holder in (state, *state.get("Catch", []), *state.get("Choices", [])):
        if "Next" in holder:
            yield holder["Next"]
    if "Default" in state:
        yield state["Default"]


def _assigned(states: dict[str, State]) -> set[str]:
    holders = [
        holder
        for state in states.values()
        for holder in (state, *state.get("Catch", []), *state.get("Choices", []))
    ]
    return {name for holder in holders for name in holder.get("Assign", {})}


def _expressions(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("Branches", "ItemProcessor", "Comment"):
                yield from _expressions(part, f"{path}/{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _expressions(part, f"{path}[{index}]")
    elif isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        yield value[2:-2].strip(), path


def _check_expression(expression: str, path: str) -> None:
    try:
        Jsonata(expression)
    except Exception as error:
        raise _refuse("INVALID_JSONATA_EXPRESSION", str(error), path) from error
    in_catch = re.search(r"/Catch\[\d+\]/(Output|Assign)", path)
    if "$states.errorOutput" in expression and not in_catch:
        what = "Field '$states.errorOutput' does not exist."
        raise _refuse("UNSUPPORTED_JSONATA_EXPRESSION", what, path)


def _check_state(state: State, path: str) -> None:
    allowed = COMMON | FIELDS.get(state.get("Type", ""), set())
    for field in state:
        if field not in allowed:
            what = f"Field '{field}' is not supported"
            raise _refuse("SCHEMA_VALIDATION_FAILED", what, path)
    for expression, where in _expressions(state, path):
        _check_expression(expression, where)


def _check_machine(machine: dict[str, Any], path: str, outer: set[str], names: list[str]) -> None:
    states = machine.get("States", {})
    names += states
    own = _assigned(states)
    if twice := sorted(own & outer):
        what = f"Variable '{twice[0]}' is already assigned in an outer scope"
        raise _refuse("SCHEMA_VALIDATION_FAILED", what, f"{path}/States")
    reached, ends = {machine.get("StartAt")}, False
    for name, state in states.items():
        where = f"{path}/States/{name}"
        _check_state(state, where)
        ends |= bool(state.get("End")) or state.get("Type") in ("Succeed", "Fail")
        for target in _targets(state):
            reached.add(target)
            if target not in states:
                raise _refuse("MISSING_TRANSITION_TARGET", f"Missing target: {target}", where)
        for index, inner in enumerate(_machines(state)):
            _check_machine(inner, f"{where}/Branches[{index}]", outer | own, names)
    for name in states:
        if name not in reached:
            what = f'State "{name}" is not reachable.'
            raise _refuse("MISSING_TRANSITION_TARGET", what, f"{path}/States/{name}")
    if not ends:
        raise _refuse("MISSING_END_STATE", "Workflow has no terminal state", path or "null")


def check(definition: dict[str, Any]) -> None:
    """Raise `RefusedError` for a definition that Step Functions does not take."""
    if definition.get("QueryLanguage") != "JSONata":
        return
    names: list[str] = []
    _check_machine(definition, "", set(), names)
    for name, times in Counter(names).items():
        if times > 1:  # also in two branches of one Parallel
            raise _refuse(
                "DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", f"/States/{name}"
            )
