"""Executions that are stopped half-way: what they left is brought back at once, by a rule."""

import random
import time
from typing import Any

import pytest

from local import faults
from local.events import rules as events
from tests.local.deployment import Deployed
from tests.local.waiting import until

PROMOTION = [
    "Take the turn",
    "Find the way back",
    "Keep the archive",
    "Create the model",
    "Create the endpoint config",
    "Serve the new model",
    "Listen to it",
    "Record what is served",
    "End the change",
    "Let others promote",
]


def stop(product: Deployed, execution: str) -> None:
    product.client("stepfunctions").stop_execution(executionArn=execution)


def wait_until_repaired(product: Deployed) -> None:
    """Wait until nobody has the turn and nothing is left to bring back, without an execution."""
    until(lambda: product.turn() == {"execution": ""} and not repairs(product, "RUNNING"))


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
    made = product.made()
    execution = product.start({"model": f"s3://{product.bucket}/models/starter/model.tar.gz"})
    product.wait_for_state(execution, moment)
    time.sleep(random.Random(moment).uniform(0, 0.3))
    stop(product, execution)
    product.finish(execution)
    events.settle()
    wait_until_repaired(product)
    assert product.served_model() == product.recorded_model()
    serving = product.config()
    assert not {name for name in product.made() - made if not serving.startswith(name)}, "orphans"


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
