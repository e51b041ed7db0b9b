"""Evaluates IAM policies as AWS does: Action, Resource and Condition of their statements.

moto's own evaluation ignores most conditions, and treats a statement whose condition does not hold
as a refusal.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.iam.access_control import PermissionResult

Statement = Mapping[str, Any]


def as_list(value: Any) -> list[Any]:
    """Return a list; a policy may hold a single item instead."""
    return value if isinstance(value, list) else [value]


def matches(pattern: str, value: str, flags: int = 0) -> bool:
    """Tell whether `value` is what a pattern with `*` and `?` describes."""
    # fnmatch would take [ for the beginning of a set
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, value, flags | re.DOTALL) is not None


CONDITION_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: value == wanted,
    "StringEqualsIgnoreCase": lambda wanted, value: value.lower() == wanted.lower(),
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, value: value.lower() == wanted.lower(),
    "NumericEquals": lambda wanted, value: float(value) == float(wanted),
    "NumericLessThan": lambda wanted, value: float(value) < float(wanted),
    "NumericLessThanEquals": lambda wanted, value: float(value) <= float(wanted),
    "NumericGreaterThan": lambda wanted, value: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, value: float(value) >= float(wanted),
}


def condition_holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Tell whether every key of every operator in a statement's Condition matches `context`."""
    context = {key.lower(): value for key, value in context.items()}
    for operator, keys in condition.items():
        name, _, _ = operator.rpartition(":")[2].partition("IfExists")
        negated = "Not" in name
        for key, wanted in keys.items():
            value = context.get(key.lower())
            if name == "Null":
                if (value is None) != (str(wanted).lower() == "true"):
                    return False
            elif value is None:
                if not (negated or operator.endswith("IfExists")):
                    return False
            else:
                holds = CONDITION_OPERATORS[name.replace("Not", "")]
                if any(holds(str(one), value) for one in as_list(wanted)) == negated:
                    return False
    return True


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    def listed(key: str, value: str, flags: int = 0) -> bool:
        return any(matches(pattern, value, flags) for pattern in as_list(statement[key]))

    if "Action" in statement and not listed("Action", action, re.IGNORECASE):
        return False
    if "NotAction" in statement and listed("NotAction", action, re.IGNORECASE):
        return False
    if "Resource" in statement and not listed("Resource", resource):
        return False
    if "NotResource" in statement and listed("NotResource", resource):
        return False
    return condition_holds(statement.get("Condition", {}), context)


def decide(
    statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str]
) -> PermissionResult:
    """Return DENIED if a statement denies, else PERMITTED if one allows, else NEUTRAL."""
    effects = {s["Effect"] for s in statements if _applies(s, action, resource, context)}
    if "Deny" in effects:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if "Allow" in effects else PermissionResult.NEUTRAL
