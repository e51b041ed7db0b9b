"""Executions that are stopped half-way: what they left is brought back at once, by a rule."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local import faults
from local.cloudformation.stack_resources import held_before
from local.events import rules as events
from tests.local.deployment import PATIENCE_SECONDS, Client, Deployed, deploy
from tests.local.scenarios.assemblies import STACK

LEAVES_ORPHANS = "models and configs of stopped promotions, which the next promotion removes"
PROMOTION = [
    "Take the turn",
    "Find the way back",
    "Keep the archive",
    "Create the model",
    "Create the endpoint config",
    "Serve the new model",
    "Listen to it",
    "Record what is served",
    "Wait for deployments",
    "Clean up",
    "Let others promote",
]


def stop(product: Deployed, execution: str) -> None:
    product.client("stepfunctions").stop_execution(executionArn=execution)


def wait_until_repaired(product: Deployed) -> None:
    """Wait until nobody has the turn and nothing is left to bring back, without an execution."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while product.turn() != {"execution": ""} or repairs(product, "RUNNING"):
        assert time.monotonic() < deadline, product.turn()
        time.sleep(0.1)


def repairs(product: Deployed, status: str) -> list[dict[str, Any]]:
    machine = product.outputs["StateMachineArn"] + "--endpoint"
    found: list[dict[str, Any]] = product.client("stepfunctions").list_executions(
        stateMachineArn=machine, statusFilter=status
    )["executions"]
    return found


@pytest.mark.parametrize("moment", PROMOTION)
def test_a_promotion_that_is_stopped_is_undone_or_complete_before_anybody_starts_another(
    product: Deployed, moment: str
) -> None:
    execution = product.start({"model": f"s3://{product.bucket}/models/starter/model.tar.gz"})
    product.wait_for_state(execution, moment)
    time.sleep(random.Random(moment).uniform(0, 0.3))
    stop(product, execution)
    product.finish(execution)
    events.settle()
    wait_until_repaired(product)
    assert product.served_model() == product.recorded_model()


def test_what_is_repaired_can_be_promoted_right_after(product: Deployed) -> None:
    starter = {"model": f"s3://{product.bucket}/models/starter/model.tar.gz"}
    execution = product.start(starter)
    product.wait_for_state(execution, "Listen to it")
    stop(product, execution)
    output = product.run(starter)
    assert product.served_model() == output["model"]


def test_a_cold_start_is_waited_out(product: Deployed) -> None:
    faults.current.cold_starts = 5
    output = product.run({"model": f"s3://{product.bucket}/models/starter/model.tar.gz"})
    assert output["promoted"]


def test_a_deployment_that_read_the_record_before_it_was_written_does_not_win(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    faults.current.cold_starts = 6  # so that the promotion listens for a while
    execution = product.start({"model": f"s3://{product.bucket}/models/starter/model.tar.gz"})
    product.wait_for_state(execution, "Listen to it")
    with held_before("ServingConfig") as hold:  # what is served was read, the Model is made
        deployment = threading.Thread(
            target=deploy, args=(assemblies / "concurrency", client, STACK)
        )
        deployment.start()
        assert hold.reached.wait(PATIENCE_SECONDS)
        faults.current.cold_starts = 1
        product.wait_for_state(execution, "Wait for deployments")
        time.sleep(1)  # it sees that one is under way
        assert (
            product.client("stepfunctions").describe_execution(executionArn=execution)["status"]
            == "RUNNING"
        )
    deployment.join()
    answer = product.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    assert product.served_model() == product.recorded_model()
    endpoint = product.client("sagemaker").describe_endpoint(EndpointName=product.endpoint)
    (variant,) = endpoint["ProductionVariants"]
    assert variant["CurrentServerlessConfig"]["MaxConcurrency"] == 7, "the deployment's"
