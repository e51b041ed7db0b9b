"""`cdk deploy` while executions run and after they have promoted."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.s3.models import S3Backend

from local import clock, faults
from local.cloudformation.stack_resources import held_before
from local.states import express
from tests.local.deployment import Client, Deployed, deploy, settled, why
from tests.local.scenarios.assemblies import IMAGE, STACK
from tests.local.scenarios.ordering import order, wait_for_training
from tests.local.waiting import PATIENCE_SECONDS, until


def serverless(product: Deployed) -> dict[str, Any]:
    endpoint = product.client("sagemaker").describe_endpoint(EndpointName=product.endpoint)
    return endpoint["ProductionVariants"][0]["CurrentServerlessConfig"]


def test_the_stack_is_updated_while_an_execution_runs_and_both_succeed(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    execution = product.start(order(product, "audio/slow/", epoch_seconds=4))
    wait_for_training(product, execution)
    deploy(assemblies / "memory", client, STACK)
    assert serverless(product)["MemorySizeInMB"] == 4096
    answer = product.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    assert product.served_model() == json.loads(answer["output"])["model"]
    assert serverless(product)["MemorySizeInMB"] == 4096, "the promotion took the deploy back"


@contextmanager
def meanwhile(assembly: Path, client: Client) -> Iterator[None]:
    """Deploy in the background; the end of the block waits for the end of the deployment."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            deploy(assembly, client, STACK)
        except BaseException as error:
            failures.append(error)

    deployment = threading.Thread(target=run)
    deployment.start()
    try:
        yield
    finally:
        deployment.join()
    assert not failures, failures


def promote_the_starter(product: Deployed) -> str:
    return product.start({"model": f"s3://{product.bucket}/models/starter/model.tar.gz"})


def wait_until_updating(product: Deployed) -> None:
    until(lambda: product.endpoint_status() == "Updating")


def assert_served(product: Deployed, execution: str) -> None:
    """The promotion has succeeded, and its model is what is served and recorded."""
    answer = product.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    promoted = json.loads(answer["output"])["model"]
    assert product.served_model() == product.recorded_model() == promoted


def test_a_deploy_that_begins_while_a_promotion_updates_the_endpoint_waits_and_both_succeed(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    faults.current.update_takes = 200  # ten seconds at this speed
    execution = promote_the_starter(product)
    wait_until_updating(product)
    deploy(assemblies / "concurrency", client, STACK)
    assert_served(product, execution)
    assert serverless(product)["MaxConcurrency"] == 7


def test_a_deploy_that_begins_while_a_promotion_listens_reads_what_that_has_recorded(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    faults.current.cold_starts = 4  # so that it listens for a while
    execution = promote_the_starter(product)
    product.wait_for_state(execution, "Listen to it")
    with meanwhile(assemblies / "memory", client), held_before("ServingServedRead") as hold:
        assert hold.reached.wait(PATIENCE_SECONDS)
        assert "Record what is served" in product.states(execution)
        assert_served(product, execution)  # it does not wait for the deployment that waited for it
    assert_served(product, execution)
    assert serverless(product)["MemorySizeInMB"] == 4096


def test_a_promotion_that_begins_while_a_deploy_has_its_turn_waits_and_keeps_what_was_deployed(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    with meanwhile(assemblies / "concurrency", client), held_before("ServingConfig") as hold:
        assert hold.reached.wait(PATIENCE_SECONDS)  # what is served was read
        execution = promote_the_starter(product)
        product.wait_for_state(execution, "Take the turn")
        time.sleep(1)
        assert "Keep the archive" not in product.states(execution)
    assert_served(product, execution)
    assert serverless(product)["MaxConcurrency"] == 7, "the deployment's"


def test_a_deploy_that_comes_just_before_a_promotion_serves_goes_first(
    product: Deployed, assemblies: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    come, copy = threading.Event(), S3Backend.copy_object

    def copy_when_it_has_come(*given: Any, **named: Any) -> Any:
        come.wait(PATIENCE_SECONDS)
        return copy(*given, **named)

    monkeypatch.setattr(S3Backend, "copy_object", copy_when_it_has_come)
    hurry = clock.speed
    monkeypatch.setattr(clock, "speed", 1)  # or the copy would be given up meanwhile
    execution = promote_the_starter(product)
    product.wait_for_state(execution, "Keep the archive")  # it has its turn, and no config yet
    with meanwhile(assemblies / "memory", client), held_before("ServingServedRead") as hold:
        assert hold.reached.wait(PATIENCE_SECONDS)
        monkeypatch.setattr(clock, "speed", hurry)
        come.set()
        product.wait_for_state(execution, "Serve the new model")
        time.sleep(1)
        assert "Listen to it" not in product.states(execution)
    assert_served(product, execution)
    assert product.states(execution).count("Create the endpoint config") == 2
    assert serverless(product)["MemorySizeInMB"] == 4096, "the deployment's"


def test_a_deploy_that_a_promotion_keeps_waiting_for_too_long_fails_before_it_changes_anything(
    product: Deployed, assemblies: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "MOST_SECONDS", 40)  # two at this speed
    faults.current.update_takes = 400
    execution = promote_the_starter(product)
    wait_until_updating(product)
    with pytest.raises(AssertionError, match="NoPromotionUnderWay"):
        deploy(assemblies / "concurrency", client, STACK)
    assert product.endpoint_status() == "Updating"
    assert settled(client, STACK) == "UPDATE_ROLLBACK_COMPLETE", why(client, STACK)
    faults.clear()
    assert_served(product, execution)
    assert serverless(product)["MemorySizeInMB"] == 4096, "as before"
    deploy(assemblies / "concurrency", client, STACK)
    assert_served(product, execution)
    assert serverless(product)["MaxConcurrency"] == 7


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
