"""`cdk deploy` while executions run and after they have promoted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.local.deployment import Client, Deployed, deploy
from tests.local.scenarios.assemblies import IMAGE, STACK
from tests.local.scenarios.ordering import order, wait_for_training


def serverless(product: Deployed) -> dict[str, Any]:
    endpoint = product.client("sagemaker").describe_endpoint(EndpointName=product.endpoint)
    return endpoint["ProductionVariants"][0]["CurrentServerlessConfig"]


def test_the_stack_is_updated_while_an_execution_runs_and_both_succeed(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    execution = product.start(order(product, "audio/slow/", epoch_seconds=1.5))
    wait_for_training(product, execution)
    deploy(assemblies / "memory", client, STACK)
    assert serverless(product)["MemorySizeInMB"] == 4096
    answer = product.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    assert product.served_model() == json.loads(answer["output"])["model"]
    assert serverless(product)["MemorySizeInMB"] == 4096, "the promotion took the deploy back"


@pytest.mark.parametrize("change", ["as-it-is", "memory", "image", "starter", "role"])
def test_a_deploy_after_a_promotion_keeps_the_promoted_model(
    product: Deployed, assemblies: Path, client: Client, change: str
) -> None:
    promoted = product.served_model()
    assert "starter" not in promoted
    deploy(assemblies / change, client, STACK)
    assert product.served_model() == promoted
    if change == "memory":
        assert serverless(product)["MemorySizeInMB"] == 4096
    if change == "image":
        api = product.client("sagemaker")
        config = api.describe_endpoint_config(EndpointConfigName=product.config())
        model = api.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        assert model["PrimaryContainer"]["Image"] == IMAGE
