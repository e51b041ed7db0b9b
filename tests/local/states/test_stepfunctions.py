"""The states language as the product uses it, where moto and Step Functions differ."""

import json
import re
import time
from typing import Any

import pytest

from local.states.query_language import QueryError, evaluate
from tests.local.deployment import Execute


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$hash('abc', 'SHA-1')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("$parse('{\"a\": [1, null]}').a", [1, None]),
        ("6 / 2", 3),
        ("$states.input.nothing = null", True),
        ("$exists($states.input.missing)", False),
        ("$states.input.quoted & '!'", 'say "a\\b"\n!'),
        ("$count($name)", 2),
    ],
)
def test_expressions_have_step_functions_own_functions_and_json_values(
    expression: str, expected: Any
) -> None:
    given = {"nothing": None, "quoted": 'say "a\\b"\n'}
    assert evaluate(expression, {"states": {"input": given}, "name": [1, 2]}) == expected


@pytest.mark.parametrize("expression", ["$states.input.missing", "$undefined(1)", "1 +", "$sum"])
def test_an_expression_without_a_value_is_an_error_that_quotes_it(expression: str) -> None:
    with pytest.raises(QueryError, match=re.escape(expression)):
        evaluate(expression, {"states": {"input": {}}})


@pytest.mark.parametrize("expression", ["$millis()", "$toMillis($now())"])
def test_the_time_is_that_of_the_evaluation(expression: str) -> None:
    for other in ("1", "2", "1"):  # parsed just before, or evaluated before in the same thread
        time.sleep(0.01)
        before = time.time_ns() // 1_000_000  # the library rounds
        assert before <= evaluate(expression, {}) <= time.time_ns() // 1_000_000 + 1
        evaluate(other, {})


def test_variables_defaults_and_fail_sentences(execute: Execute) -> None:
    answer = execute(
        {
            "Assign": {
                "Type": "Pass",
                "Assign": {"said": "{% $states.input.word ? $states.input.word : 'none' %}"},
                "Next": "Fail",
            },
            "Fail": {"Type": "Fail", "Error": "Mistake", "Cause": "{% 'it was ' & $said %}"},
        },
        {"word": 'a "quoted" one'},
    )
    assert (answer["status"], answer["error"]) == ("FAILED", "Mistake")
    assert answer["cause"] == 'it was a "quoted" one'


def test_a_failed_expression_can_be_caught(execute: Execute) -> None:
    answer = execute(
        {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
                "Arguments": {"Prefix": "{% $states.input.missing %}"},
                "Catch": [
                    {
                        "ErrorEquals": ["States.QueryEvaluationError"],
                        "Output": {"caught": "{% $states.errorOutput.Error %}"},
                        "Next": "Caught",
                    }
                ],
                "End": True,
            },
            "Caught": {"Type": "Pass", "End": True},
        }
    )
    assert json.loads(answer["output"]) == {"caught": "States.QueryEvaluationError"}


def test_an_execution_without_a_name_gets_one(execute: Execute) -> None:
    states = {
        "Who": {
            "Type": "Pass",
            "Output": {"name": "{% $states.context.Execution.Name %}"},
            "End": True,
        }
    }
    first, second = (json.loads(execute(states)["output"])["name"] for _ in range(2))
    assert len(first) == 36
    assert first != second
