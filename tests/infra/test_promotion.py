"""The endpoint and the record of what it serves: together at the end of every promotion."""

from typing import Any

import pytest

from infra.promote_states import looks_within
from tests.infra.machine import Execution, ServiceError, run
from tests.infra.made_up_aws import LOCK, RECORD, Aws

IT_IS_SO = ServiceError("X", "It is so. (Service: X, Status Code: 400, Request ID: 1)")
FREE = {"execution": ""}
BACK = " The endpoint serves again what it served before."


def promote(definition: dict[str, Any], aws: Aws, name: str = "by-hand") -> Execution:
    """Promote the starter by hand: what follows a training, without one."""
    return run(definition, {"model": aws.starter}, aws.services, name=name)


def assert_untouched(aws: Aws) -> None:
    assert (aws.serves, aws.recorded) == ("ServingConfig-1", aws.starter)
    assert (aws.configs, aws.models) == (["ServingConfig-1"], ["ServingModel-1"])
    assert aws.lock == FREE


@pytest.mark.parametrize("status", ["InService", "Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_does_not_take_the_model_is_not_recorded_as_serving_it(
    definition: dict[str, Any], aws: Aws, status: str
) -> None:
    aws.update_works, aws.updates = False, [["Updating", "RollingBack", status]]
    execution = promote(definition, aws)
    assert execution.error == "SoundVae.PromotionFailed"
    assert execution.cause.startswith(
        f"The endpoint sound-vae does not serve the new model ({status}): "
        "The container did not start."
    )
    assert_untouched(aws)


def test_the_wait_for_the_endpoint_has_an_end(definition: dict[str, Any], aws: Aws) -> None:
    aws.updates = [["Updating"] * 500]
    execution = promote(definition, aws)
    assert execution.cause.startswith(
        "The endpoint sound-vae does not serve the new model (Updating): "
        "it took longer than 30 minutes. The endpoint sound-vae could not be brought back"
    )
    assert execution.states.count("Look at the endpoint") == looks_within(30)
    assert execution.waited < 61 * 60
    # the next execution knows what to bring back
    assert (aws.lock["execution"], aws.lock["former"]) == ("", "ServingConfig-1")


def test_an_update_that_takes_too_long_is_taken_back_when_it_is_through(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.updates = [["Updating"] * (looks_within(30) + 3) + ["InService"]]
    execution = promote(definition, aws)
    assert execution.cause.endswith("it took longer than 30 minutes." + BACK)
    assert_untouched(aws)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"sounds": [{"rms": 0.001}]}, "The new model answers with silence."),
        ({"sounds": []}, "The new model answers with silence."),
        (IT_IS_SO, "Asking the new model for a sound failed: It is so."),
    ],
)
def test_a_model_that_makes_no_sound_is_taken_back(
    definition: dict[str, Any], aws: Aws, answer: Any, cause: str
) -> None:
    if isinstance(answer, ServiceError):
        aws.errors["invokeEndpoint"] = answer
    else:
        aws.answer = answer
    execution = promote(definition, aws)
    assert execution.cause == cause + BACK
    assert_untouched(aws)


def test_the_smoke_request_asks_for_an_answer_that_a_state_can_hold(
    definition: dict[str, Any], aws: Aws
) -> None:
    (asked,) = promote(definition, aws).calls_of("invokeEndpoint")
    assert asked == {
        "EndpointName": "sound-vae",
        "ContentType": "application/json",
        "Accept": "application/json; wav=no",
        "Body": "{}",
    }


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (("getParameter", 1), "Reading who is promoting failed: It is so."),
        (("putParameter", 1), "Taking the turn to promote failed: It is so."),
        (("describeEndpoint", 1), "Looking at the endpoint failed: It is so."),
        (("getParameter", 2), "Reading what is served failed: It is so."),
        (("createModel", 1), "Creating the SageMaker model failed: It is so."),
        (("createEndpointConfig", 1), "Creating the endpoint config failed: It is so."),
        (("putParameter", 2), "Noting what is about to change failed: It is so."),
        (("updateEndpoint", 1), "Updating the endpoint failed: It is so."),
        (("describeEndpoint", 2), "Waiting for the endpoint failed: It is so." + BACK),
        (("putParameter", 3), "Recording what is served failed: It is so." + BACK),
    ],
)
def test_whatever_fails_the_endpoint_is_as_before_and_the_reason_is_said(
    definition: dict[str, Any], aws: Aws, call: tuple[str, int], cause: str
) -> None:
    aws.error_at[call] = IT_IS_SO
    execution = promote(definition, aws)
    assert (execution.status, execution.cause) == ("FAILED", cause)
    assert_untouched(aws)


def test_what_was_trained_is_not_lost_when_its_promotion_fails(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.errors["createModel"] = IT_IS_SO
    execution = run(definition, {}, aws.services)
    assert execution.cause.startswith(
        "Creating the SageMaker model failed: It is so. What was trained is kept at s3://"
    )


def test_a_deploy_that_changes_the_endpoint_during_a_promotion_is_left_as_it_is(
    definition: dict[str, Any], aws: Aws
) -> None:
    def deploy() -> None:
        aws.configs[:] = ["ServingConfig-2", *(name for name in aws.configs if "--" in name)]
        aws.serves, aws.status, aws.after = "ServingConfig-2", "InService", []

    aws.before["describeEndpoint", 2] = deploy
    execution = promote(definition, aws)
    assert execution.cause == (
        "The endpoint sound-vae does not serve the new model (InService): AWS gave no reason. "
        "Meanwhile a deployment gave it another config."
    )
    assert (aws.serves, aws.recorded, aws.lock) == ("ServingConfig-2", aws.starter, FREE)
    assert (aws.configs, aws.models) == (["ServingConfig-2"], ["ServingModel-1"])


@pytest.mark.parametrize(
    ("endpoint_s", "expected"),
    [
        ({"MemorySizeInMB": 4096, "MaxConcurrency": 7, "ProvisionedConcurrency": 1}, (4096, 7)),
        ({}, (3072, 5)),
    ],
)
def test_a_promotion_keeps_the_memory_that_a_deploy_gave_the_endpoint_meanwhile(
    definition: dict[str, Any], aws: Aws, endpoint_s: dict[str, int], expected: tuple[int, int]
) -> None:
    aws.serverless = endpoint_s
    (config,) = promote(definition, aws).calls_of("createEndpointConfig")
    serverless = config["ProductionVariants"][0]["ServerlessConfig"]
    assert serverless == dict(zip(("MemorySizeInMB", "MaxConcurrency"), expected, strict=True))


def test_a_rollback_that_fails_says_so(definition: dict[str, Any], aws: Aws) -> None:
    aws.answer, aws.error_at["updateEndpoint", 2] = {"sounds": [{"rms": 0}]}, IT_IS_SO
    execution = promote(definition, aws)
    assert execution.cause == (
        "The new model answers with silence. The endpoint sound-vae could not be brought back to "
        "its former config ServingConfig-1: look at it in the SageMaker console."
    )


def test_an_abandoned_model_that_cannot_be_taken_back_is_left_for_the_next_execution(
    definition: dict[str, Any], aws: Aws
) -> None:
    left = '"config":"sound-vae--gone","former":"ServingConfig-1","model":"s3://gone"'
    aws.values[LOCK] = ('{"execution":"",' + left + "}", 5)
    aws.serves, aws.configs = "sound-vae--gone", [*aws.configs, "sound-vae--gone"]
    aws.metrics = {"val_loss": 1, "served_val_loss": 0, "comparable": 1}
    aws.error_at["updateEndpoint", 1] = IT_IS_SO
    execution = run(definition, {}, aws.services)
    assert execution.cause.startswith("The endpoint sound-vae could not be brought back to its ")
    assert aws.lock["former"] == "ServingConfig-1"
    assert run(definition, {}, aws.services, name="next").output["promoted"] is False
    assert (aws.serves, aws.lock) == ("ServingConfig-1", FREE)


def test_models_and_configs_of_former_promotions_go_but_for_the_last(
    definition: dict[str, Any], aws: Aws
) -> None:
    others = ["sound-vae-2--run-1", "my-sound-vae--run-1", "sound-vae-by-hand"]
    aws.configs += others
    aws.models += others
    names = []
    for run_name in ("first", "second", "third"):
        execution = promote(definition, aws, run_name)
        assert execution.status == "SUCCEEDED", execution.cause
        names.append(execution.output["endpoint_config"])
    assert aws.configs == ["ServingConfig-1", *others, *names[1:]]
    assert aws.models == ["ServingModel-1", *others, *names[1:]]
    assert aws.serves == names[2]


@pytest.mark.parametrize(
    "action", ["listEndpointConfigs", "listModels", "deleteEndpointConfig", "deleteModel"]
)
def test_tidying_up_that_fails_does_not_fail_the_promotion(
    definition: dict[str, Any], aws: Aws, action: str
) -> None:
    aws.errors[action] = IT_IS_SO
    for name in ("first", "second", "third"):
        execution = promote(definition, aws, name)
        assert execution.status == "SUCCEEDED", execution.cause
    assert aws.lock == FREE


def test_a_lock_that_cannot_be_freed_does_not_fail_what_worked(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.error_at["putParameter", 4] = IT_IS_SO
    assert promote(definition, aws).status == "SUCCEEDED"
    assert aws.lock["execution"] == "arn:execution:by-hand"
    assert promote(definition, aws, "next").status == "SUCCEEDED"  # as that one has ended
    assert aws.lock == FREE


def test_an_execution_waits_while_another_one_promotes(
    definition: dict[str, Any], aws: Aws
) -> None:
    other = "arn:execution:other"
    aws.values[LOCK] = (f'{{"execution":"{other}"}}', 2)
    aws.executions[other] = "RUNNING"

    def done() -> None:
        aws.values[LOCK] = ('{"execution":""}', 3)

    aws.before["describeExecution", 3] = done
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.states.count("Wait for the other execution") == 3


def test_the_wait_for_another_execution_has_an_end(definition: dict[str, Any], aws: Aws) -> None:
    aws.values[LOCK] = ('{"execution":"arn:execution:other"}', 2)
    aws.executions["arn:execution:other"] = "RUNNING"
    execution = promote(definition, aws)
    assert execution.cause == (
        "Another execution has been promoting for too long: arn:execution:other. Stop it, and "
        f'promote this model with the input {{"model":"{aws.starter}"}}.'
    )
    assert 110 * 60 < execution.waited < 120 * 60
    assert aws.lock == {"execution": "arn:execution:other"}
    assert not execution.calls_of("createModel")


@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT", "SUCCEEDED", None])
def test_an_execution_that_ended_without_freeing_the_endpoint_blocks_nobody(
    definition: dict[str, Any], aws: Aws, status: str | None
) -> None:
    aws.values[LOCK] = ('{"execution":"arn:execution:gone"}', 2)
    if status:
        aws.executions["arn:execution:gone"] = status
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert aws.lock == FREE


def test_of_two_executions_that_reach_for_the_endpoint_at_once_the_second_waits(
    definition: dict[str, Any], aws: Aws
) -> None:
    def other_writes() -> None:
        aws.values[LOCK] = ('{"execution":"arn:execution:other"}', aws.values[LOCK][1] + 1)

    def other_is_done() -> None:
        assert not aws.calls["createModel"]
        aws.values[LOCK] = ('{"execution":""}', aws.values[LOCK][1] + 1)

    aws.before["putParameter", 1] = other_writes
    aws.before["getParameter", 4] = other_is_done
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.states.count("Wait for the other execution") == 3
    assert aws.lock == FREE


def test_an_update_under_way_is_waited_for(definition: dict[str, Any], aws: Aws) -> None:
    aws.status, aws.after, aws.updating_to = "Updating", ["Updating", "InService"], aws.serves
    assert promote(definition, aws).status == "SUCCEEDED"


def test_an_endpoint_that_cannot_be_updated_is_said_to_be_so(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.status = "Failed"
    execution = promote(definition, aws)
    assert execution.cause == ("The endpoint sound-vae cannot be updated: its status is Failed.")
    assert aws.lock == FREE


class AbortedError(Exception):
    """Somebody pressed *Stop execution*."""


@pytest.mark.parametrize("then", ["promote", "worse"])
@pytest.mark.parametrize(
    "call",
    [
        ("createModel", 1),
        ("createEndpointConfig", 1),
        ("updateEndpoint", 1),
        ("describeEndpoint", 2),
        ("describeEndpoint", 3),
        ("invokeEndpoint", 1),
        ("putParameter", 3),
        ("listEndpointConfigs", 1),
        ("putParameter", 4),
    ],
)
def test_a_promotion_aborted_at_any_moment_is_finished_or_undone_by_the_next_execution(
    definition: dict[str, Any], aws: Aws, call: tuple[str, int], then: str
) -> None:
    def abort() -> None:
        raise AbortedError

    aws.before[call] = abort
    new = f"s3://{aws.bucket}/output/job/output/model.tar.gz"
    aws.objects.append({"Key": "output/job/output/model.tar.gz", "Size": 1})
    with pytest.raises(AbortedError):
        run(definition, {"model": new}, aws.services, name="aborted")
    aws.executions["arn:execution:aborted"] = "ABORTED"
    aborted_config = aws.configs[-1] if len(aws.configs) > 1 else ""
    completed = aws.recorded == new

    if then == "promote":
        execution = promote(definition, aws, "next")
        assert execution.output["promoted"] is True
        assert aws.recorded == aws.starter
        assert aws.serves == execution.output["endpoint_config"]
    else:
        aws.metrics = {"val_loss": 1, "served_val_loss": 0, "comparable": 1}
        execution = run(definition, {}, aws.services, name="next")
        assert execution.output["promoted"] is False
        assert aws.serves == (aborted_config if completed else "ServingConfig-1")
        assert aws.recorded == (new if completed else aws.starter)
    assert aws.lock == FREE
    assert aws.values[RECORD][0] == aws.recorded
