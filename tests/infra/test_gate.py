"""When a new model takes the served one's place, and what is said when it does not."""

from typing import Any

import pytest

from infra.gate import verdict
from infra.jsonata import query
from tests.infra.evaluator import evaluate
from tests.infra.machine import run
from tests.infra.made_up_aws import Aws


def judge(
    metrics: dict[str, Any], promote: str = "if_better", served: str = "s3://b/old", **rest: Any
) -> Any:
    variables: dict[str, Any] = {
        "summary": {"training_job": "job", "metrics": metrics},
        "request": {"promote": promote},
        "served_url": served,
        "baseline": "s3://b/old",
        "comparing": True,
    }
    return evaluate(query(verdict()), **{**variables, **rest})


BETTER = {"val_loss": -2.0, "served_val_loss": -1.0, "comparable": 1}
WORSE = {"val_loss": -1.0, "served_val_loss": -2.0, "comparable": 1}


@pytest.mark.parametrize(
    ("metrics", "promoted", "why"),
    [
        (BETTER, True, "its validation loss is -2, that of the served model -1"),
        (WORSE, False, "its validation loss is -1, that of the served model -2"),
        (
            {"val_loss": -1.23456789, "served_val_loss": -1.23456789, "comparable": 1},
            False,
            "its validation loss is -1.2346, that of the served model -1.2346",
        ),
        (
            {**BETTER, "val_accuracy": 0.93, "served_val_accuracy": 0.95},
            True,
            "its validation loss is -2, that of the served model -1",
        ),
        (
            {**BETTER, "val_accuracy": 0.9, "served_val_accuracy": 0.95},
            False,
            "its accuracy is 0.9, that of the served model 0.95",
        ),
        (
            {**WORSE, "comparable": 0},
            True,
            "the served model was made for other sounds, so the two cannot be compared",
        ),
        (
            {"val_loss": -1},
            True,
            "the served model was made for other sounds, so the two cannot be compared",
        ),
        ({}, True, "the served model was made for other sounds, so the two cannot be compared"),
        (
            {"served_val_loss": -2.0, "comparable": 1},
            True,
            "the job gave no validation loss to compare",
        ),
        (
            {**BETTER, "val_accuracy": 0.1},
            True,
            "its validation loss is -2, that of the served model -1",
        ),
    ],
)
def test_the_better_one_of_two_that_can_be_compared_is_served(
    metrics: dict[str, Any], promoted: bool, why: str
) -> None:
    assert judge(metrics) == {"promote": promoted, "why": why}


def test_always_and_a_model_that_the_input_names_are_not_compared() -> None:
    assert judge(WORSE, promote="always")["promote"]
    assert judge({}, summary={}, baseline="", comparing=False)["promote"]


def test_a_served_model_that_is_gone_is_not_compared_with() -> None:
    assert judge({"val_loss": 1}, comparing=False)["promote"]


def test_a_model_that_was_never_compared_with_the_served_one_does_not_replace_it() -> None:
    assert judge(BETTER, served="s3://b/new") == {
        "promote": False,
        "why": "another model was promoted while this one trained (s3://b/new), so the two were "
        "never compared",
    }
    assert judge(BETTER, served="s3://b/new", promote="always")["promote"]


def test_the_job_gets_the_served_model_to_compare_with(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    def channels() -> dict[str, str]:
        (job,) = run(definition, {}, aws.services).calls_of("createTrainingJob.sync")
        return {
            channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
            for channel in job["InputDataConfig"]
        }

    assert channels() == {"data": f"s3://{bucket}/audio/", "served": aws.starter}
    aws.objects = aws.objects[:2]  # the served archive was deleted from the bucket
    assert channels() == {"data": f"s3://{bucket}/audio/"}


def test_a_model_that_is_not_better_is_kept_and_the_output_says_how_to_promote_it(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.metrics = WORSE
    execution = run(definition, {}, aws.services)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output["promoted"] is False
    assert execution.output["why"] == "its validation loss is -1, that of the served model -2"
    assert execution.output["promote_with"] == {"model": execution.output["model"]}
    assert execution.output["metrics"] == WORSE
    assert (aws.recorded, aws.serves) == (aws.starter, "ServingConfig-1")
    assert aws.lock == {"execution": ""}
    assert not execution.calls_of("createModel")

    key = execution.output["model"].removeprefix(f"s3://{aws.bucket}/")
    aws.objects.append({"Key": key, "Size": 1})
    by_hand = run(definition, execution.output["promote_with"], aws.services, name="by-hand")
    assert by_hand.output["promoted"] is True
    assert aws.recorded == execution.output["model"]


def test_never_leaves_the_endpoint_alone(definition: dict[str, Any], aws: Aws) -> None:
    execution = run(definition, {"promote": "never"}, aws.services)
    assert execution.output["promoted"] is False
    assert execution.output["why"] == 'promote is "never"'
    assert not execution.calls_of("putParameter")
    assert not execution.calls_of("updateEndpoint")


def test_what_is_served_is_read_again_when_it_is_about_to_change(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.metrics = BETTER
    aws.before["createTrainingJob.sync", 1] = lambda: run(
        definition, {"model": aws.starter}, aws.services, name="other"
    )
    assert run(definition, {}, aws.services).output["promoted"]  # the same model as before
    aws.before["createTrainingJob.sync", 2] = lambda: run(
        definition, {"model": aws.starter}, aws.services, name="another"
    )
    execution = run(definition, {}, aws.services, name="third")
    assert execution.output["promoted"] is False
    assert execution.output["why"] == (
        f"another model was promoted while this one trained ({aws.starter}), so the two were never "
        "compared"
    )
