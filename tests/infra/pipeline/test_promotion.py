"""The endpoint and the record of what it serves: together at the end of every promotion."""

import json
from typing import Any

import pytest

from infra.pipeline.patience import looks_within
from tests.infra.pipeline.machine import Execution, ServiceError, run
from tests.infra.pipeline.made_up_aws import Aws
from tests.infra.reading import calls_of, of_type

Definition = dict[str, Any]
IT_IS_SO = ServiceError("X", "It is so. (Service: X, Status Code: 400, Request ID: 1)")
FREE = {"execution": ""}
BACK = " The endpoint serves again what it served before."
MOST_LOOKS = looks_within(30, first=2, step=1)


def promote(definition: Definition, aws: Aws, name: str = "by-hand") -> Execution:
    """Promote the starter by hand: what follows a training, without one."""
    return run(definition, {"model": aws.starter}, aws.account, name=name)


def assert_untouched(aws: Aws) -> None:
    assert (aws.serves, aws.recorded) == ("ServingConfig-1", aws.starter)
    assert (aws.configs, aws.models) == (["ServingConfig-1"], ["ServingModel-1"])
    assert aws.nobodys_turn, aws.item


@pytest.mark.parametrize("status", ["InService", "Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_does_not_take_the_model_is_not_recorded_as_serving_it(
    definition: Definition, aws: Aws, status: str
) -> None:
    aws.update_works, aws.updates = False, [["Updating", "RollingBack", status]]
    execution = promote(definition, aws)
    assert execution.error == "SoundVae.PromotionFailed"
    assert execution.cause == (
        f"The endpoint sound-vae does not serve the new model ({status}): "
        "The container did not start."
    )
    assert_untouched(aws)


def test_the_wait_for_the_endpoint_has_an_end(definition: Definition, aws: Aws) -> None:
    aws.updates = [["Updating"] * 500]
    execution = promote(definition, aws)
    assert execution.cause.startswith(
        "The endpoint sound-vae does not serve the new model (Updating): "
        "it took longer than 30 minutes. The endpoint sound-vae could not be brought back"
    )
    assert execution.waited < 62 * 60
    # the next execution knows what to bring back
    assert (aws.item["execution"], aws.item["former"]) == ("", "ServingConfig-1")


def test_an_update_that_takes_too_long_is_taken_back_when_it_is_through(
    definition: Definition, aws: Aws
) -> None:
    aws.updates = [["Updating"] * (MOST_LOOKS + 3) + ["InService"]]
    execution = promote(definition, aws)
    assert execution.cause.endswith("it took longer than 30 minutes." + BACK)
    assert_untouched(aws)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"sounds": [{"rms": 0.001}]}, "The new model answers with silence."),
        ({"sounds": []}, "The new model answers with silence."),
        ({"sounds": [{"rms": "loud"}]}, "The new model answers with silence."),
        ('{"sounds": [{"rms": 0.001}]}', "The new model answers with silence."),
        ("RIFF…", "Promoting failed: "),
        (IT_IS_SO, "Promoting failed: It is so."),
    ],
)
def test_a_model_that_makes_no_sound_is_taken_back(
    definition: Definition, aws: Aws, answer: Any, cause: str
) -> None:
    if isinstance(answer, ServiceError):
        aws.errors["invokeEndpoint"] = answer
    else:
        aws.answer = answer
    execution = promote(definition, aws)
    assert execution.cause.startswith(cause)
    assert execution.cause.endswith(BACK)
    assert_untouched(aws)


@pytest.mark.parametrize("parsed", [True, False])
def test_the_smoke_answer_is_understood_as_text_and_parsed(
    definition: Definition, aws: Aws, parsed: bool
) -> None:
    answer = {"sounds": [{"rms": 0.1, "label": "seven"}]}
    aws.answer = answer if parsed else json.dumps(answer)
    assert promote(definition, aws).status == "SUCCEEDED"


def test_an_answer_that_is_too_long_for_a_state_is_taken_back_too(
    definition: Definition, aws: Aws
) -> None:
    aws.errors["invokeEndpoint"] = ServiceError("States.DataLimitExceeded", "Too long.")
    execution = promote(definition, aws)
    assert execution.cause == "Promoting failed: Too long." + BACK
    assert_untouched(aws)


def test_the_smoke_request_asks_for_an_answer_that_a_state_can_hold(
    definition: Definition, aws: Aws
) -> None:
    (asked,) = promote(definition, aws).calls_of("invokeEndpoint")
    assert asked == {
        "EndpointName": "sound-vae",
        "ContentType": "application/json",
        "Accept": "application/json; wav=no",
        "Body": {},  # a string would be sent in quotes
    }


def test_a_cold_start_is_ridden_out_for_minutes_but_a_refusal_is_not(
    definition: Definition,
) -> None:
    promotion = definition["States"]["Promote"]["Branches"][0]["States"]
    refused, cold = promotion["Listen to it"]["Retry"]
    assert refused["ErrorEquals"] == ["SageMakerRuntime.ModelErrorException"]
    assert refused["MaxAttempts"] == 1
    assert cold["ErrorEquals"] == ["States.TaskFailed", "States.Timeout"]
    waits = [cold["IntervalSeconds"] * cold["BackoffRate"] ** n for n in range(cold["MaxAttempts"])]
    assert 7 * 60 < sum(waits) < 9 * 60
    assert "JitterStrategy" not in cold, "full jitter may wait no time at all"


@pytest.mark.parametrize(
    "call",
    [
        ("listObjectsV2", 3),
        ("getItem", 2),
        ("updateItem", 1),
        ("getParameter", 2),
        ("describeStacks", 1),
        ("describeEndpoint", 1),
        ("copyObject", 1),
        ("createModel", 1),
        ("createEndpointConfig", 1),
        ("getItem", 3),
        ("describeStacks", 2),
        ("describeEndpoint", 2),
        ("updateItem", 2),
        ("updateEndpoint", 1),
    ],
)
def test_whatever_fails_before_the_update_the_endpoint_is_as_before_and_the_reason_is_said(
    definition: Definition, aws: Aws, call: tuple[str, int]
) -> None:
    aws.error_at[call] = IT_IS_SO
    execution = promote(definition, aws)
    assert (execution.status, execution.cause) == ("FAILED", "Promoting failed: It is so.")
    assert_untouched(aws)


@pytest.mark.parametrize(
    "call", [("describeEndpoint", 4), ("describeStacks", 4), ("putParameter", 1)]
)
def test_whatever_fails_after_the_update_the_endpoint_is_brought_back(
    definition: Definition, aws: Aws, call: tuple[str, int]
) -> None:
    aws.error_at[call] = IT_IS_SO
    execution = promote(definition, aws)
    assert (execution.status, execution.cause) == ("FAILED", "Promoting failed: It is so." + BACK)
    assert_untouched(aws)


def test_what_fails_after_the_record_leaves_the_new_model_served_and_recorded(
    definition: Definition, aws: Aws
) -> None:
    aws.error_at["describeStacks", 5] = IT_IS_SO
    execution = promote(definition, aws)
    assert execution.cause == "Promoting failed: It is so."
    kept = aws.objects[-1]["Key"]
    assert aws.recorded == f"s3://{aws.bucket}/{kept}"
    assert aws.serves.startswith("sound-vae--by-hand")
    assert aws.serves in aws.configs
    assert aws.nobodys_turn


def test_what_was_trained_is_not_lost_when_its_promotion_fails(
    definition: Definition, aws: Aws
) -> None:
    aws.errors["createModel"] = IT_IS_SO
    execution = run(definition, {}, aws.account)
    assert execution.cause.startswith(
        "Promoting failed: It is so. What was trained is kept: promote it with "
        f'{{"model": "s3://{aws.bucket}/output/sound-vae--'
    )


def test_a_promoted_archive_is_kept_where_no_job_can_write(
    definition: Definition, aws: Aws
) -> None:
    execution = run(definition, {}, aws.account)
    (copy,) = execution.calls_of("copyObject")
    (model,) = execution.calls_of("createModel")
    assert copy["Key"].startswith("models/sound-vae--")
    assert copy["CopySource"].startswith(f"{aws.bucket}/output/sound-vae--")
    kept = f"s3://{aws.bucket}/{copy['Key']}"
    assert model["PrimaryContainer"]["ModelDataUrl"] == aws.recorded == kept
    assert execution.output["model"] == kept


def test_a_deploy_that_changes_the_endpoint_during_a_promotion_is_left_as_it_is(
    definition: Definition, aws: Aws
) -> None:
    def deploy() -> None:
        aws.configs[:] = ["ServingConfig-2", *(name for name in aws.configs if "--" in name)]
        aws.serves, aws.status, aws.after = "ServingConfig-2", "InService", []

    aws.before["describeEndpoint", 3] = deploy
    execution = promote(definition, aws)
    assert execution.cause == (
        "The endpoint sound-vae does not serve the new model (InService): AWS gave no reason. "
        "Meanwhile a deployment gave it another config."
    )
    assert (aws.serves, aws.recorded) == ("ServingConfig-2", aws.starter)
    assert aws.nobodys_turn
    assert (aws.configs, aws.models) == (["ServingConfig-2"], ["ServingModel-1"])


def deployment_begins(aws: Aws, looks: int = 3) -> None:
    """A deployment leaves its mark, and is under way until somebody has looked that often."""
    aws.item["deployment"], aws.deploying = "arn:deployment:new", looks


def deployment_changes(aws: Aws) -> None:
    """It gives the endpoint another config of what the record names, with more memory."""
    aws.configs[:] = ["ServingConfig-2", *(name for name in aws.configs if "--" in name)]
    aws.serves = "ServingConfig-2"
    aws.capacity = {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}


@pytest.mark.parametrize("call", [("copyObject", 1), ("getItem", 3), ("updateItem", 2)])
def test_a_deploy_that_comes_before_the_promotion_has_begun_its_change_is_waited_for_and_stays(
    definition: Definition, aws: Aws, call: tuple[str, int]
) -> None:
    aws.before[call] = lambda: deployment_begins(aws)
    # while the promotion waits
    aws.before["describeStacks", 4] = lambda: deployment_changes(aws)
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert len(execution.calls_of("updateEndpoint")) == 1
    first, second = execution.calls_of("createEndpointConfig")
    assert second["ProductionVariants"][0]["ServerlessConfig"]["MemorySizeInMB"] == 4096
    assert aws.serves == second["EndpointConfigName"] == execution.output["endpoint_config"]
    assert first["EndpointConfigName"] not in aws.configs
    assert "ServingConfig-2" in aws.configs
    assert aws.nobodys_turn


def test_a_deploy_that_came_before_is_what_a_promotion_that_fails_goes_back_to(
    definition: Definition, aws: Aws
) -> None:
    aws.before["updateItem", 2] = lambda: deployment_begins(aws)
    aws.before["describeStacks", 4] = lambda: deployment_changes(aws)
    aws.answer = {"sounds": [{"rms": 0}]}
    execution = promote(definition, aws)
    assert execution.cause == "The new model answers with silence." + BACK
    assert (aws.serves, aws.recorded) == ("ServingConfig-2", aws.starter)
    assert (aws.configs, aws.models) == (["ServingConfig-2"], ["ServingModel-1"])
    assert aws.nobodys_turn


def test_the_mark_of_a_deploy_that_has_ended_is_no_hindrance(
    definition: Definition, aws: Aws
) -> None:
    undisturbed = promote(definition, aws).waited
    aws.item["deployment"] = "arn:deployment:ended"
    execution = promote(definition, aws, "next")
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.waited == undisturbed
    assert aws.item == {"execution": "", "deployment": "arn:deployment:ended"}


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    "call", [("updateEndpoint", 1), ("describeEndpoint", 3), ("invokeEndpoint", 1)]
)
def test_a_deploy_that_waits_for_a_promotion_is_not_waited_for(
    definition: Definition, aws: Aws, call: tuple[str, int], silent: bool
) -> None:
    def deploy() -> None:
        aws.deploying = 10_000  # it would be seen until the promotion gives up

    aws.before[call] = deploy
    aws.answer = {"sounds": [{"rms": 0 if silent else 0.1}]}
    execution = promote(definition, aws)
    assert (execution.status == "FAILED") is silent, execution.cause
    assert execution.waited < 60
    assert aws.nobodys_turn
    if silent:
        assert_untouched(aws)


def test_a_deploy_that_waits_for_what_a_stopped_promotion_left_does_not_keep_it_from_being_repaired(
    definitions: dict[str, Definition], aws: Aws
) -> None:
    left_behind(aws, "arn:execution:gone")
    aws.deploying = 10_000
    execution = repair(definitions, aws)
    assert (execution.status, aws.serves) == ("SUCCEEDED", "ServingConfig-1")
    assert execution.waited < 60
    assert announce(definitions, aws).status == "SUCCEEDED"


def test_what_ended_by_itself_just_before_the_repair_is_not_taken_for_left(
    definitions: dict[str, Definition], aws: Aws
) -> None:
    left_behind(aws, "arn:execution:gone")

    def ended() -> None:  # and a deployment that waited for it has come
        aws.item = {"execution": "arn:execution:gone", "deployment": "arn:deployment:new"}
        aws.deploying = 3

    aws.before["updateItem", 1] = ended
    execution = repair(definitions, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert not execution.calls_of("updateEndpoint"), "while CloudFormation may update it"
    assert aws.nobodys_turn


def announce(definitions: dict[str, Definition], aws: Aws) -> Execution:
    """What a deployment calls before it reads what is served; its waits are in a Retry."""
    return run(definitions["sound-vae--deployment"], {}, aws.account, "deployment")


def test_a_deploy_leaves_its_mark_unless_a_promotion_is_at_it(
    definitions: dict[str, Definition], aws: Aws
) -> None:
    assert announce(definitions, aws).status == "SUCCEEDED"  # the first one makes the item
    assert aws.item == {"deployment": "arn:execution:deployment"}
    aws.item["config"] = "sound-vae--new"
    before = dict(aws.item)
    execution = run(definitions["sound-vae--deployment"], {}, aws.account, "next")
    assert execution.error == "DynamoDb.ConditionalCheckFailedException"
    assert aws.item == before


def test_deploys_wait_a_quarter_of_an_hour_and_each_call_as_long_as_its_function_may_run(
    definitions: dict[str, Definition], template: Definition
) -> None:
    (state,) = definitions["sound-vae--deployment"]["States"].values()
    waiting, _ = state["Retry"]
    seconds = waiting["IntervalSeconds"] * waiting["MaxAttempts"]
    assert waiting["BackoffRate"] == 1
    longest = definitions["sound-vae--deployment"]["TimeoutSeconds"]
    assert seconds < longest < 300, "Express workflows end after five minutes"
    waits = [call for name, _, call in calls_of(template) if "Wait" in name]
    assert {call["action"] for call in waits} == {"StartSyncExecution"}
    assert 12 * 60 < seconds * len(waits) < 15 * 60
    # one function makes all calls, and the first construct decides how long it may run
    (function,) = (
        properties
        for name, properties in of_type(template, "AWS::Lambda::Function").items()
        if name.startswith("AWS679")
    )
    assert function["Timeout"] > longest


def test_what_else_changed_the_endpoint_before_the_change_ended_does_not_last(
    definition: Definition, aws: Aws
) -> None:
    # such as a rollback of CloudFormation's that somebody continues by hand
    aws.before["putParameter", 1] = lambda: deployment_changes(aws)
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert aws.serves == execution.output["endpoint_config"]
    assert aws.nobodys_turn


def test_deployments_without_end_do_not_keep_a_promotion_for_ever(
    definition: Definition, aws: Aws
) -> None:
    aws.deploying = 10_000
    execution = promote(definition, aws)
    assert execution.cause.startswith(
        "A deployment of the stack SoundVae has been under way for more than 30 minutes"
    )
    assert execution.waited < 70 * 60


def test_a_promotion_keeps_the_memory_and_concurrency_that_a_deploy_gave_the_endpoint(
    definition: Definition, aws: Aws
) -> None:
    given = {"MemorySizeInMB": 4096, "MaxConcurrency": 7, "ProvisionedConcurrency": 1}
    aws.capacity = {"ServerlessConfig": given}
    execution = promote(definition, aws)
    (config,) = execution.calls_of("createEndpointConfig")
    (model,) = execution.calls_of("createModel")
    assert config["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": model["ModelName"],
            "ServerlessConfig": given,
            "InitialVariantWeight": 1.0,
        }
    ]
    (update,) = execution.calls_of("updateEndpoint")
    assert update["RetainAllVariantProperties"] is False


def test_a_promotion_keeps_the_type_and_the_number_that_scaling_gave_of_instances(
    definition: Definition, aws: Aws
) -> None:
    aws.capacity = {"InstanceType": "ml.c6i.large", "InitialInstanceCount": 1}
    aws.desired = 3
    execution = promote(definition, aws)
    (config,) = execution.calls_of("createEndpointConfig")
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c6i.large", 3)
    assert "ServerlessConfig" not in variant
    (update,) = execution.calls_of("updateEndpoint")
    assert update["RetainAllVariantProperties"] is True


def test_what_goes_back_to_the_former_config_keeps_the_number_of_instances(
    definition: Definition, aws: Aws
) -> None:
    aws.capacity = {"InstanceType": "ml.c6i.large", "InitialInstanceCount": 1}
    aws.desired, aws.answer = 3, {"sounds": [{"rms": 0}]}
    updates = promote(definition, aws).calls_of("updateEndpoint")
    assert [update["RetainAllVariantProperties"] for update in updates] == [True, True]


SCALED = ServiceError(
    "SageMaker.AmazonSageMakerException", 'Cannot update in-progress endpoint "arn:endpoint".'
)


def test_an_endpoint_that_is_just_being_scaled_is_updated_when_it_has_been(
    definition: Definition, aws: Aws
) -> None:
    for call in range(1, 5):
        aws.error_at["updateEndpoint", call] = SCALED
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert len(execution.calls_of("updateEndpoint")) == 5
    assert aws.serves == execution.output["endpoint_config"]


def test_the_wait_for_an_endpoint_that_is_always_being_scaled_has_an_end(
    definition: Definition, aws: Aws
) -> None:
    aws.errors["updateEndpoint"] = SCALED
    execution = promote(definition, aws)
    assert (execution.error, execution.cause) == (
        "SoundVae.PromotionFailed",
        'Promoting failed: Cannot update in-progress endpoint "arn:endpoint".',
    )
    assert execution.waited < 70 * 60
    assert_untouched(aws)


def test_a_promotion_listens_to_the_endpoint_that_a_deploy_has_made_meanwhile(
    definition: Definition, aws: Aws
) -> None:
    aws.endpoint = "sound-vae-ml-c6i-large"
    execution = promote(definition, aws)  # by the definition with which it has begun
    (listened,) = execution.calls_of("invokeEndpoint")
    assert listened["EndpointName"] == "sound-vae-ml-c6i-large"
    assert execution.output["endpoint"] == "sound-vae-ml-c6i-large"


def test_a_rollback_that_fails_says_so(definition: Definition, aws: Aws) -> None:
    aws.answer, aws.error_at["updateEndpoint", 2] = {"sounds": [{"rms": 0}]}, IT_IS_SO
    execution = promote(definition, aws)
    assert execution.cause == (
        "The new model answers with silence. The endpoint sound-vae could not be brought back to "
        "its former config: look at it in the SageMaker console, or start another execution, which "
        "tries again."
    )
    assert aws.item["former"] == "ServingConfig-1"


def left_behind(aws: Aws, holder: str = "") -> None:
    """An execution that was stopped after it had updated the endpoint."""
    aws.serves, aws.configs = "sound-vae--gone", [*aws.configs, "sound-vae--gone"]
    aws.item = {
        "execution": holder,
        "config": "sound-vae--gone",
        "former": "ServingConfig-1",
        "model": "s3://gone",
    }


@pytest.mark.parametrize("request_", [{"promote": "never"}, {"model": "STARTER"}, {}])
def test_whatever_an_execution_is_to_do_it_repairs_first_what_was_left(
    definition: Definition, aws: Aws, request_: dict[str, str]
) -> None:
    left_behind(aws, "arn:execution:gone")
    given = {key: aws.starter if value == "STARTER" else value for key, value in request_.items()}
    execution = run(definition, given, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.calls_of("updateEndpoint")[0]["EndpointConfigName"] == "ServingConfig-1"
    assert aws.nobodys_turn
    if given == {"promote": "never"}:
        assert aws.serves == "ServingConfig-1"


def test_what_cannot_be_repaired_is_found_out_before_anything_costs_money(
    definition: Definition, aws: Aws
) -> None:
    left_behind(aws)
    aws.error_at["updateEndpoint", 1] = IT_IS_SO
    execution = run(definition, {}, aws.account)
    assert execution.error == "SoundVae.NotStarted"
    assert execution.cause == "Repairing what an earlier execution left failed: It is so."
    assert not execution.calls_of("createTrainingJob.sync")
    assert aws.item["former"] == "ServingConfig-1"
    aws.executions["arn:execution:5d9b1c3e-1111-2222-3333-444455556666-repair"] = "FAILED"
    assert run(definition, {"promote": "never"}, aws.account, name="next").status == "SUCCEEDED"
    assert (aws.serves, aws.nobodys_turn) == ("ServingConfig-1", True)


def repair(definitions: dict[str, Definition], aws: Aws) -> Execution:
    return run(definitions["sound-vae--endpoint"], {"operation": "repair"}, aws.account, "repair")


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED", None])
def test_a_repair_brings_back_what_a_stopped_execution_left(
    definitions: dict[str, Definition], aws: Aws, status: str | None
) -> None:
    left_behind(aws, "arn:execution:gone")
    if status:
        aws.executions["arn:execution:gone"] = status
    assert repair(definitions, aws).status == "SUCCEEDED"
    assert (aws.serves, aws.nobodys_turn) == ("ServingConfig-1", True)


def test_a_repair_leaves_a_running_promotion_and_an_approved_model_alone(
    definitions: dict[str, Definition], aws: Aws
) -> None:
    left_behind(aws, "arn:execution:other")
    aws.executions["arn:execution:other"] = "RUNNING"
    before = dict(aws.item)
    assert repair(definitions, aws).output["serving"] == ""
    assert (aws.serves, aws.item) == ("sound-vae--gone", before)
    aws.executions["arn:execution:other"] = "ABORTED"
    aws.values = dict.fromkeys(aws.values, "s3://gone")  # it had been recorded
    repair(definitions, aws)
    assert (aws.serves, aws.nobodys_turn) == ("sound-vae--gone", True)


def test_where_nothing_was_left_a_repair_changes_nothing(
    definitions: dict[str, Definition], aws: Aws
) -> None:
    execution = repair(definitions, aws)
    assert {name for name, _ in execution.calls} == {"getItem", "describeExecution"}
    assert aws.item == {}


def test_models_and_configs_of_former_promotions_go_but_for_the_last(
    definition: Definition, aws: Aws
) -> None:
    others = ["sound-vae-2--run-1", "my-sound-vae--run-1", "sound-vae-by-hand"]
    aws.configs += others
    aws.models += others
    configs, models = [], []
    for run_name in ("first", "second", "third"):
        execution = promote(definition, aws, run_name)
        assert execution.status == "SUCCEEDED", execution.cause
        configs.append(execution.output["endpoint_config"])
        models.append(execution.calls_of("createModel")[0]["ModelName"])
    assert aws.configs == ["ServingConfig-1", *others, *configs[1:]]
    assert aws.models == ["ServingModel-1", *others, *models[1:]]
    assert aws.serves == configs[2]


@pytest.mark.parametrize(
    "action", ["listEndpointConfigs", "listModels", "deleteEndpointConfig", "deleteModel"]
)
def test_tidying_up_that_fails_does_not_fail_the_promotion(
    definition: Definition, aws: Aws, action: str
) -> None:
    aws.errors[action] = IT_IS_SO
    for name in ("first", "second", "third"):
        execution = promote(definition, aws, name)
        assert execution.status == "SUCCEEDED", execution.cause
    assert aws.nobodys_turn


def test_a_turn_that_cannot_be_given_back_does_not_fail_what_worked(
    definition: Definition, aws: Aws
) -> None:
    aws.error_at["updateItem", 4] = IT_IS_SO
    assert promote(definition, aws).status == "SUCCEEDED"
    assert aws.item == {"execution": "arn:execution:by-hand"}
    assert promote(definition, aws, "next").status == "SUCCEEDED"  # as that one has ended
    assert aws.nobodys_turn


def test_an_execution_waits_while_another_one_promotes(definition: Definition, aws: Aws) -> None:
    other = "arn:execution:other"
    aws.item, aws.executions[other] = {"execution": other}, "RUNNING"

    def done() -> None:
        aws.item = dict(FREE)

    aws.before["getItem", 5] = done
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.states.count("Wait for the other execution") == 3


def test_the_wait_for_another_execution_has_an_end(definition: Definition, aws: Aws) -> None:
    other = "arn:execution:other"
    aws.item, aws.executions[other] = {"execution": other}, "RUNNING"
    execution = promote(definition, aws)
    assert execution.cause == (
        f"Another execution has been promoting for too long: {other}. Stop it, and start this one "
        "again."
    )
    assert 110 * 60 < execution.waited < 120 * 60
    assert aws.item == {"execution": other}
    assert not execution.calls_of("createModel")


@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT", "SUCCEEDED", None])
def test_an_execution_that_ended_without_giving_its_turn_back_blocks_nobody(
    definition: Definition, aws: Aws, status: str | None
) -> None:
    aws.item = {"execution": "arn:execution:gone"}
    if status:
        aws.executions["arn:execution:gone"] = status
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert aws.nobodys_turn


def test_of_two_executions_that_reach_for_the_turn_at_once_the_second_waits(
    definition: Definition, aws: Aws
) -> None:
    other = "arn:execution:other"

    def other_is_first() -> None:
        aws.item, aws.executions[other] = {"execution": other}, "RUNNING"

    def other_was_stopped() -> None:  # the one that waits gets the turn, and nobody else
        assert not aws.calls["createModel"]
        aws.executions[other] = "ABORTED"

    aws.before["updateItem", 1] = other_is_first
    aws.before["getItem", 4] = other_was_stopped
    execution = promote(definition, aws)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.states.count("Wait for the other execution") == 2
    assert aws.nobodys_turn


def test_an_execution_that_lost_its_turn_changes_nothing(definition: Definition, aws: Aws) -> None:
    def taken_over() -> None:
        aws.item = {"execution": "arn:execution:other"}
        aws.executions["arn:execution:other"] = "RUNNING"

    aws.before["createEndpointConfig", 1] = taken_over
    execution = promote(definition, aws)
    assert execution.cause == (
        "It is no longer the turn of this execution to change the endpoint, but that of "
        "arn:execution:other."
    )
    assert not execution.calls_of("updateEndpoint")
    assert aws.item == {"execution": "arn:execution:other"}


def test_an_update_under_way_is_waited_for(definition: Definition, aws: Aws) -> None:
    aws.status, aws.after, aws.updating_to = "Updating", ["Updating", "InService"], aws.serves
    assert promote(definition, aws).status == "SUCCEEDED"


def test_an_endpoint_that_cannot_be_updated_is_said_to_be_so(
    definition: Definition, aws: Aws
) -> None:
    aws.status = "Failed"
    execution = promote(definition, aws)
    assert execution.cause == "The endpoint sound-vae cannot be updated: its status is Failed."
    assert aws.nobodys_turn


class AbortedError(Exception):
    """Somebody pressed *Stop execution*."""


@pytest.mark.parametrize("then", ["promote", "repair"])
@pytest.mark.parametrize(
    "call",
    [
        ("updateItem", 1),
        ("copyObject", 1),
        ("createModel", 1),
        ("createEndpointConfig", 1),
        ("updateItem", 2),
        ("updateEndpoint", 1),
        ("describeEndpoint", 3),
        ("describeEndpoint", 4),
        ("invokeEndpoint", 1),
        ("putParameter", 1),
        ("describeStacks", 5),
        ("updateItem", 3),
        ("listEndpointConfigs", 1),
        ("updateItem", 4),
    ],
)
def test_a_promotion_aborted_at_any_moment_is_undone_or_found_complete(
    definition: Definition,
    definitions: dict[str, Definition],
    aws: Aws,
    call: tuple[str, int],
    then: str,
) -> None:
    def abort() -> None:
        raise AbortedError

    aws.before[call] = abort
    with pytest.raises(AbortedError):
        promote(definition, aws, "aborted")
    aws.executions["arn:execution:aborted"] = "ABORTED"
    aborted_config = aws.configs[-1] if len(aws.configs) > 1 else ""
    completed = aws.recorded != aws.starter
    if then == "promote":
        execution = promote(definition, aws, "next")
        assert execution.output["promoted"] is True
        assert aws.serves == execution.output["endpoint_config"]
        assert aws.recorded == execution.output["model"]
    else:
        assert repair(definitions, aws).status == "SUCCEEDED"
        assert aws.serves == (aborted_config if completed else "ServingConfig-1")
        assert set(aws.configs) == {"ServingConfig-1", aws.serves}, "orphans"
        assert {name.removesuffix("-00") for name in aws.configs[1:]} == set(aws.models[1:])
    assert aws.nobodys_turn


def test_a_promotion_that_was_stopped_before_it_had_tidied_up_is_tidied_up_after(
    definition: Definition, definitions: dict[str, Definition], aws: Aws
) -> None:
    def abort() -> None:
        raise AbortedError

    aws.configs.append("sound-vae--older-0-00")
    aws.models.append("sound-vae--older-0")
    aws.before[("listEndpointConfigs", 1)] = abort
    with pytest.raises(AbortedError):
        promote(definition, aws, "aborted")
    aws.executions["arn:execution:aborted"] = "ABORTED"
    assert repair(definitions, aws).status == "SUCCEEDED"
    assert set(aws.configs) == {"ServingConfig-1", aws.serves}
    assert "sound-vae--older-0" not in aws.models
