"""Uploads that have been quiet for a while start an execution by themselves."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.events import rules as events
from local.events import scheduler
from tests.local.deployment import Client, Deployed, deploy
from tests.local.scenarios.assemblies import NAME, STACK
from tests.local.scenarios.ordering import order, wait_for_training
from tests.local.waiting import until

SCHEDULE = f"{NAME}--upload"  # and its group


def due(client: Client) -> str:
    """When the schedule starts something; empty: there is none."""
    api = client("scheduler")
    try:
        found = api.get_schedule(GroupName=SCHEDULE, Name=SCHEDULE)
    except api.exceptions.ResourceNotFoundException:
        return ""
    return str(found["ScheduleExpression"])


def started(product: Deployed) -> list[str]:
    """The executions that uploads have started, newest first."""
    found = product.client("stepfunctions").list_executions(
        stateMachineArn=product.outputs["StateMachineArn"]
    )["executions"]
    return [one["executionArn"] for one in found if one["name"].startswith("uploads-")]


@pytest.fixture
def uploads_start(product: Deployed, assemblies: Path, client: Client) -> Iterator[None]:
    deploy(assemblies / "upload", client, STACK)
    yield
    order(product, "audio/")
    deploy(assemblies / "as-it-is", client, STACK)
    assert due(client) == "", "the schedule would start something that nobody asks for any more"


@pytest.mark.usefixtures("uploads_start")
def test_quiet_uploads_start_one_execution_and_those_in_the_meantime_another_after_it(
    product: Deployed, client: Client
) -> None:
    order(product, "audio/", epoch_seconds=4)  # three uploads
    events.settle()
    until(lambda: due(client) != "")
    assert started(product) == []

    scheduler.fire_schedule(SCHEDULE, SCHEDULE)
    until(lambda: len(started(product)) == 1)
    (first,) = started(product)
    wait_for_training(product, first)
    time.sleep(1)  # schedules are exact to a second
    before = due(client)
    client("s3").put_object(Bucket=product.bucket, Key="audio/late_1.wav", Body=b"RIFF")
    until(lambda: due(client) > before)
    time.sleep(1)
    before = due(client)
    scheduler.fire_schedule(SCHEDULE, SCHEDULE)
    until(lambda: due(client) > before)  # put off, as one is under way
    assert started(product) == [first]
    assert product.finish(first)["status"] == "SUCCEEDED"

    scheduler.fire_schedule(SCHEDULE, SCHEDULE)
    scheduler.fire_schedule(SCHEDULE, SCHEDULE)  # EventBridge Scheduler may deliver twice
    until(lambda: len(started(product)) == 2)
    second = started(product)[0]
    answer = product.finish(second)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    assert answer["input"] == "{}"
    assert set(started(product)) == {first, second}
