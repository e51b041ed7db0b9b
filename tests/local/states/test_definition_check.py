"""Definitions that AWS refuses when they are created, as measured there, are refused here."""

from typing import Any

import pytest

from local.states.definition_check import RefusedError, check
from tests.local.states.machines import PASS, block

WAITS = {"Type": "Wait", "Seconds": 1, "Next": "W"}


@pytest.mark.parametrize(
    ("states", "complaint"),
    [
        ({"P": block({"A": PASS}, TimeoutSeconds=5)}, "Field 'TimeoutSeconds' is not supported"),
        ({"P": {**PASS, "Catch": []}}, "Field 'Catch' is not supported"),
        ({"P": PASS, "C": PASS}, 'State "C" is not reachable. at /States/C'),
        ({"P": {"Type": "Pass", "Next": "X"}}, "Missing target: X"),
        ({"W": WAITS}, "MISSING_END_STATE: Workflow has no terminal state"),
        ({"P": {**PASS, "Output": "{% 1 + %}"}}, "INVALID_JSONATA_EXPRESSION"),
        ({"P": {**PASS, "Output": "{% $states.errorOutput %}"}}, "'$states.errorOutput' does not"),
        ({"P": block({"A": PASS}, {"A": PASS})}, "DUPLICATE_STATE_NAME"),
    ],
)
def test_a_definition_that_aws_refuses(states: dict[str, Any], complaint: str) -> None:
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    with pytest.raises(RefusedError, match="Invalid State Machine Definition") as refused:
        check(definition)
    assert complaint in str(refused.value)
