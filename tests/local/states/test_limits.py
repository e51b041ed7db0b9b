"""Limits of time and of size, and which errors Catch and Retry do not see."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local import clock
from local.states.data_limits import MOST_BYTES, size
from local.states.state_errors import is_matched
from tests.local.deployment import Client, Execute, MakeRole
from tests.local.states.machines import PASS, block, caught_by, output, task
from tests.local.states.waiting_job import wait_until_stopped, waiting_job
from tests.local.waiting import until

LONG = {"Type": "Wait", "Seconds": 3600, "End": True}


@pytest.fixture
def fast() -> Iterator[None]:
    clock.speed = 20
    yield
    clock.speed = 1.0


@pytest.mark.parametrize("limit", [10, "{% $states.input.limit %}"])
def test_a_job_that_takes_too_long_is_a_timeout_and_is_stopped(
    client: Client, execute: Execute, make_role: MakeRole, fast: None, limit: Any
) -> None:
    """Recorded: test_fixed_timeout_service_lambda: States.Timeout, without a cause."""
    job = waiting_job(client, make_role, f"late-{type(limit).__name__}")
    train = task(
        "sagemaker:createTrainingJob.sync", job, TimeoutSeconds=limit, **caught_by("Caught")
    )
    start = time.monotonic()
    answer = execute({"Train": train, "Caught": PASS}, {"limit": 10})
    assert output(answer) == {"Error": "States.Timeout", "Cause": ""}
    assert time.monotonic() - start < 8  # ten seconds of the local clock are half a real one
    wait_until_stopped(client, job["TrainingJobName"])


def test_a_time_limit_is_not_caught_as_a_failed_task(
    client: Client, execute: Execute, make_role: MakeRole, fast: None
) -> None:
    job = waiting_job(client, make_role, "late-uncaught")
    catch = caught_by("Caught", "States.TaskFailed")
    train = task("sagemaker:createTrainingJob.sync", job, TimeoutSeconds=5, **catch)
    answer = execute({"Train": train, "Caught": PASS})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")


def test_a_machine_that_takes_too_long_is_timed_out(
    client: Client, make_role: MakeRole, fast: None
) -> None:
    """Recorded: test_global_timeout: TIMED_OUT, with neither error nor cause."""
    job = waiting_job(client, make_role, "of-a-late-machine")
    train = {"Train": task("sagemaker:createTrainingJob.sync", job)}
    definition = {
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 40,
        "StartAt": "Both",
        "States": {"Both": block(train, {"Long": LONG}, **caught_by("End")), "End": PASS},
    }
    role = make_role("late-machine", "states.amazonaws.com", {"Action": "*", "Resource": "*"})
    api = client("stepfunctions")
    machine = api.create_state_machine(
        name="late", definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]
    execution = api.start_execution(stateMachineArn=machine)["executionArn"]
    until(lambda: api.describe_execution(executionArn=execution)["status"] != "RUNNING")
    answer = api.describe_execution(executionArn=execution)
    assert answer["status"] == "TIMED_OUT"
    assert "error" not in answer
    wait_until_stopped(client, job["TrainingJobName"])
    history = api.get_execution_history(executionArn=execution)["events"]
    assert "ExecutionTimedOut" in [event["type"] for event in history]


@pytest.mark.parametrize(
    ("error", "listed", "matched"),
    [
        ("S3.S3Exception", ["States.ALL"], True),
        (None, ["States.ALL"], True),
        ("States.Timeout", ["States.ALL"], True),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("S3.S3Exception", ["States.TaskFailed"], True),
        ("States.DataLimitExceeded", ["States.ALL"], False),
        ("States.DataLimitExceeded", ["States.TaskFailed"], False),
        ("States.DataLimitExceeded", ["States.DataLimitExceeded"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
    ],
)
def test_what_an_error_equals(error: str | None, listed: list[str], matched: bool) -> None:
    assert is_matched(error, listed) is matched


def test_sizes_are_bytes_of_utf_8() -> None:
    assert size({"a": ["é", 1.5, None]}) == len('{"a":["é",1.5,null]}'.encode())


@pytest.mark.parametrize(("letters", "status"), [(131_071, "SUCCEEDED"), (131_072, "FAILED")])
def test_256_kib_may_leave_a_state_and_no_byte_more(
    execute: Execute, letters: int, status: str
) -> None:
    """Recorded: test_start_large_input; two quotes belong to the text."""
    assert MOST_BYTES == 131_071 * 2 + 2
    answer = execute(
        {"P": {"Type": "Pass", "Output": f"{{% $pad('', {letters}, 'é') %}}", "End": True}}
    )
    assert answer["status"] == status
    if status == "FAILED":
        assert answer["error"] == "States.DataLimitExceeded"
        assert answer["cause"].startswith("The state/task 'P' returned a result with a size exceed")


def test_a_result_that_is_too_large_is_caught_by_its_name_only(
    client: Client, execute: Execute
) -> None:
    client("s3").create_bucket(Bucket="large")
    client("s3").put_object(Bucket="large", Key="k", Body=b"x" * MOST_BYTES)
    get = task("aws-sdk:s3:getObject", {"Bucket": "large", "Key": "k"}, Output={})
    answer = execute({"Get": {**get, **caught_by("Caught")}, "Caught": PASS})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.DataLimitExceeded")
    named = caught_by("Caught", "States.DataLimitExceeded")
    assert output(execute({"Get": {**get, **named}, "Caught": PASS}))["Error"] == answer["error"]
    # a block around it does not help either, unless it names the error
    around = {"Block": block({"Get": get}, **caught_by("Caught")), "Caught": PASS}
    assert execute(around)["status"] == "FAILED"


def test_arguments_and_variables_are_limited_too(execute: Execute) -> None:
    large = "{% $pad('', 300000, 'x') %}"
    for state in (
        task("aws-sdk:ssm:getParameter", {"Name": large}),
        {"Type": "Pass", "Assign": {"a": large}, "End": True},
        block({"In": PASS}, Arguments={"a": large}, Output={}),
    ):
        assert execute({"S": state})["error"] == "States.DataLimitExceeded"


def test_an_output_that_cannot_be_evaluated_is_not_caught_by_its_own_state(
    execute: Execute,
) -> None:
    """Neither documented nor recorded: a definition must be right even so. A block catches it."""
    listing = task("aws-sdk:s3:listBuckets", {}, Output="{% $missing %}", **caught_by("Caught"))
    answer = execute({"L": listing, "Caught": PASS})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")
    bare = task("aws-sdk:s3:listBuckets", {}, Output="{% $missing %}")
    around = {"Block": block({"L": bare}, **caught_by("Caught")), "Caught": PASS}
    assert output(execute(around))["Error"] == "States.QueryEvaluationError"
