"""When a new model takes the served one's place, and what is said when it does not."""

from typing import Any

import pytest

from infra.pipeline.definition import expression
from infra.pipeline.training_and_promotion import ACCURACY_TOLERANCE
from tests.infra.pipeline.evaluator import evaluate
from tests.infra.pipeline.machine import run
from tests.infra.pipeline.made_up_aws import Aws

STARTER = "s3://b/models/starter/model.tar.gz"
SAME_TASK = {"comparable": True, "why": ""}
OTHERS = {"comparable": False, "why": "its labels are a, b; the served model's are c, d"}


def verdict_of(
    figures: dict[str, Any] | None,
    promote: str = "if_better",
    served: str = "s3://b/old",
    comparison: Any = SAME_TASK,
    **rest: Any,
) -> Any:
    summary = {} if figures is None else {"figures": figures, "comparison": comparison}
    variables: dict[str, Any] = {
        "trained": {"job": {"training_job": "job"}, "summary": summary},
        "request": {"promote": promote, "model": ""},
        "served_url": served,
        "baseline": "s3://b/old",
        "comparing": True,
        "way_back": True,
    }
    constants = {"AccuracyTolerance": ACCURACY_TOLERANCE, "StarterUrl": STARTER}
    query = "{% " + expression("verdict", constants) + " %}"
    return evaluate(query, **{**variables, **rest})


BETTER = {"val_loss": -2.0, "served_val_loss": -1.0}
WORSE = {"val_loss": -1.0, "served_val_loss": -2.0}


@pytest.mark.parametrize(
    ("metrics", "promoted", "why"),
    [
        (BETTER, True, "its validation loss is -2, that of the served model -1"),
        (WORSE, False, "its validation loss is -1, that of the served model -2"),
        (
            {"val_loss": -1.23456789, "served_val_loss": -1.23456789},
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
        ({"served_val_loss": -2.0}, False, "the job gave no validation loss to compare"),
        ({"val_loss": -2.0}, False, "the job gave no validation loss to compare"),
        (
            {"val_loss": None, "served_val_loss": -2},
            False,
            "the job gave no validation loss to compare",
        ),
        (
            {**WORSE, "val_distance": 0.5, "served_val_distance": 1.25},
            True,
            "its sounds lie 0.5 from recordings, those of the served model 1.25",
        ),
        (
            {**BETTER, "val_distance": 1.25, "served_val_distance": 0.5},
            False,
            "its sounds lie 1.25 from recordings, those of the served model 0.5",
        ),
        (
            {**BETTER, "copies": 0.6, "nearest": 0.1},
            False,
            "60 % of its sounds are copies of training clips",
        ),
        (
            {**BETTER, "copies": 0.02, "nearest": 0.9},
            True,
            "its validation loss is -2, that of the served model -1",
        ),
        (None, False, "the job left no summary, so nothing is known of the new model"),
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
    assert verdict_of(metrics) == {"promote": promoted, "why": why}


def test_always_and_a_model_that_the_input_names_are_not_compared() -> None:
    assert verdict_of(WORSE, promote="always")["promote"]
    by_hand = {"promote": "if_better", "model": "s3://b/old"}
    assert verdict_of(None, trained={}, baseline="", request=by_hand)["promote"]


@pytest.mark.parametrize("served", ["s3://b/old", STARTER])
def test_what_cannot_be_compared_takes_the_place_of_the_starter_alone(served: str) -> None:
    verdict = verdict_of(BETTER, served=served, baseline=served, comparison=OTHERS)
    assert verdict["promote"] is (served == STARTER)
    if not verdict["promote"]:
        assert verdict["why"] == f"the two cannot be compared: {OTHERS['why']}"
    assert verdict_of(BETTER, promote="always", comparison=OTHERS)["promote"]


def test_the_starter_makes_way_for_other_sounds_even_where_it_is_compared_on_common_ground() -> (
    None
):
    common = {"comparable": True, "why": "at 8000 Hz, the lower rate of the two"}
    assert verdict_of(WORSE, served=STARTER, baseline=STARTER, comparison=common)["promote"]
    assert not verdict_of(WORSE, served=STARTER, baseline=STARTER)["promote"], "the same task"
    assert not verdict_of(WORSE, comparison=common)["promote"]


def test_a_comparison_that_was_asked_for_and_not_reported_keeps_the_model_back() -> None:
    assert verdict_of(BETTER, comparison=None) == {
        "promote": False,
        "why": "the job reported no comparison with the served model",
    }


def test_what_was_compared_on_common_ground_says_on_which() -> None:
    verdict = verdict_of(BETTER, comparison={"comparable": True, "why": "on the 8 labels of both"})
    assert verdict["why"].endswith("that of the served model -1 (on the 8 labels of both)")


def test_without_a_way_back_only_a_person_may_promote() -> None:
    verdict = verdict_of(BETTER, way_back=False)
    assert verdict["promote"] is False
    assert "no way back" in verdict["why"]
    forced = verdict_of(BETTER, way_back=False, promote="always")
    assert forced["promote"] is True
    assert forced["warning"].startswith("the archive of the model that was served before is gone")


def test_a_model_that_was_never_compared_with_the_served_one_does_not_replace_it() -> None:
    assert verdict_of(BETTER, served="s3://b/new") == {
        "promote": False,
        "why": "another model was promoted while this one trained (s3://b/new), so the two were "
        "never compared",
    }
    assert verdict_of(BETTER, served="s3://b/new", promote="always")["promote"]


def test_the_job_gets_the_served_model_to_compare_with(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    def channels() -> dict[str, str]:
        (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
        return {
            channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
            for channel in job["InputDataConfig"]
        }

    assert channels() == {"data": f"s3://{bucket}/audio/", "served": aws.starter}
    aws.objects = aws.objects[:3]  # the served archive was deleted from the bucket
    assert channels() == {"data": f"s3://{bucket}/audio/"}


def test_a_model_that_is_not_better_is_kept_and_the_output_says_how_to_promote_it(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.summary = {"figures": WORSE, "comparison": SAME_TASK}
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output["promoted"] is False
    assert execution.output["why"] == "its validation loss is -1, that of the served model -2"
    assert execution.output["promote_with"] == {"model": execution.output["model"]}
    assert execution.output["metrics"] == WORSE
    assert (aws.recorded, aws.serves) == (aws.starter, "ServingConfig-1")
    assert aws.nobodys_turn
    assert not execution.calls_of("createModel")

    key = execution.output["model"].removeprefix(f"s3://{aws.bucket}/")
    aws.objects.append({"Key": key, "Size": 1})
    by_hand = run(definition, execution.output["promote_with"], aws.account, name="by-hand")
    assert by_hand.output["promoted"] is True
    assert aws.recorded == by_hand.output["model"]


def test_never_leaves_the_endpoint_alone(definition: dict[str, Any], aws: Aws) -> None:
    execution = run(definition, {"promote": "never"}, aws.account)
    assert execution.output["promoted"] is False
    assert execution.output["why"] == 'promote is "never"'
    assert not execution.calls_of("updateItem") or aws.item == {}
    assert not execution.calls_of("putParameter")
    assert not execution.calls_of("updateEndpoint")


def test_what_is_served_is_read_again_when_it_is_about_to_change(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.summary = {"figures": BETTER, "comparison": SAME_TASK}
    aws.before["createTrainingJob.sync", 1] = lambda: run(
        definition, {"model": aws.starter}, aws.account, name="other"
    )
    execution = run(definition, {}, aws.account)
    assert execution.output["promoted"] is False
    assert execution.output["why"] == (
        f"another model was promoted while this one trained ({aws.recorded}), so the two were "
        "never compared"
    )
