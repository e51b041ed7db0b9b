"""What happens when a model is to take the endpoint."""

import json
from typing import Any

import pytest

from local import faults
from tests.local.deployment import Deployed
from tests.local.scenarios.ordering import order


@pytest.mark.parametrize(
    ("promote", "orders"),
    [
        ("if_better", {"val_loss": 3.0}),
        ("if_better", {"val_accuracy": 0.5, "served_val_accuracy": 0.9}),
        ("never", {}),
        ("if_better", {"comparison": {"comparable": False, "why": "its labels are others"}}),
        ("if_better", {"comparison": None}),
        ("if_better", {"no_summary": True}),
    ],
)
def test_the_gate_says_no_and_the_output_says_how_to_promote_the_model_all_the_same(
    product: Deployed, promote: str, orders: dict[str, Any]
) -> None:
    before = product.config()
    request = order(product, "audio/worse/", **orders)
    output = product.run({**request, "promote": promote})
    assert not output["promoted"]
    assert output["why"]
    assert product.config() == before
    promoted = product.run(output["promote_with"])
    assert promoted["promoted"], "the way that it says must work"
    assert product.etag(product.served_model()) == product.etag(output["model"])


def test_promote_always_takes_a_worse_model(product: Deployed) -> None:
    request = order(product, "audio/worse/", val_loss=3.0)
    output = product.run({**request, "promote": "always"})
    assert output["promoted"]
    assert product.served_model() == output["model"]


def test_an_endpoint_update_that_fails_leaves_the_former_config_and_no_orphan(
    product: Deployed,
) -> None:
    before, made = product.config(), product.made()
    faults.current.update_fails = "The container was too large to start."
    cause = product.fail({})
    assert "The container was too large to start." in cause
    assert 'promote it with {"model": "s3://' in cause
    assert product.config() == before
    assert product.made() == made


def test_an_archive_that_holds_no_model_leaves_the_former_config_and_no_orphan(
    product: Deployed,
) -> None:
    before, made = product.config(), product.made()
    key = "models/broken/model.tar.gz"
    product.client("s3").put_object(Bucket=product.bucket, Key=key, Body=b"no archive")
    cause = product.fail({"model": f"s3://{product.bucket}/{key}"})
    assert "does not serve the new model" in cause
    assert "Failed to download model data" in cause
    assert product.config() == before
    assert product.made() == made


def test_a_smoke_request_that_hears_silence_takes_the_model_back(product: Deployed) -> None:
    before, made = product.config(), product.made()
    faults.current.silence = True
    cause = product.fail({})
    faults.clear()
    assert "silence" in cause
    assert product.config() == before
    assert product.made() == made


@pytest.mark.filterwarnings("ignore:.*does not match an error shape")  # of moto's models
def test_a_busy_sagemaker_is_asked_again_under_other_names(product: Deployed) -> None:
    faults.current.busy = ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"]
    starter = f"s3://{product.bucket}/models/starter/model.tar.gz"
    output = product.run({"model": starter})
    assert faults.current.busy == []
    assert output["endpoint_config"].endswith("-1-01"), "the numbers of the retries"
    assert product.config() == output["endpoint_config"]


def test_rollback_is_one_execution(product: Deployed) -> None:
    former = product.served_model()
    assert product.run({})["model"] == product.served_model() != former
    output = product.run({"model": former})
    assert output["promoted"]
    assert product.etag(product.served_model()) == product.etag(former)


def test_of_all_promotions_only_the_current_and_the_previous_leave_models_and_configs(
    product: Deployed,
) -> None:
    starter = {"model": f"s3://{product.bucket}/models/starter/model.tar.gz"}
    configs = [product.run(starter)["endpoint_config"] for _ in range(3)]
    models = {config.removesuffix("-00") for config in configs[1:]}
    assert product.made() == set(configs[1:]) | models


def test_two_executions_at_once_take_turns(product: Deployed) -> None:
    executions = [product.start({"promote": "always"}) for _ in range(2)]
    answers = [product.finish(execution) for execution in executions]
    assert [answer["status"] for answer in answers] == ["SUCCEEDED", "SUCCEEDED"], answers
    outputs = [json.loads(answer["output"]) for answer in answers]
    models = {output["model"] for output in outputs}
    assert len(models) == 2
    assert product.served_model() in models
    assert product.recorded_model() == product.served_model()
    # the second to promote took the first one's place
    assert {output["previous_model"]["model"] for output in outputs} & models


@pytest.mark.parametrize("moment", ["Train the model", "Create the model", "Serve the new model"])
def test_after_an_execution_is_aborted_half_way_the_next_one_works(
    product: Deployed, moment: str
) -> None:
    execution = product.start({"promote": "always"})
    product.wait_for_state(execution, moment)
    product.client("stepfunctions").stop_execution(executionArn=execution)
    product.finish(execution)
    output = product.run({"promote": "always"})
    assert output["promoted"]
    assert product.served_model() == output["model"]
