"""Parallel states as Step Functions has them: a block with one Catch, or branches side by side."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import clock
from tests.local.deployment import Client, Execute, MakeRole
from tests.local.states.machines import PASS, block, caught_by, output, task
from tests.local.states.waiting_job import status, wait_until_stopped, waiting_job
from tests.local.waiting import until

FAIL = {"Type": "Fail", "Error": "FailureType", "Cause": "Cause description"}


@pytest.fixture
def fast() -> Iterator[None]:
    clock.speed = 20
    yield
    clock.speed = 1.0


def test_a_fail_state_in_a_branch_is_what_the_blocks_catch_sees(execute: Execute) -> None:
    """Recorded on AWS: LocalStack's test_parallel_state_catch."""
    answer = execute(
        {
            "Block": block({"Fail": FAIL}, Next="End", **caught_by("Caught")),
            "Caught": PASS,
            "End": PASS,
        }
    )
    assert output(answer) == {"Error": "FailureType", "Cause": "Cause description"}


def test_an_uncaught_failure_of_a_branch_is_that_of_the_execution(execute: Execute) -> None:
    """Recorded: test_parallel_state_fail."""
    answer = execute({"Block": block({"Fail": FAIL})})
    assert (answer["status"], answer["error"]) == ("FAILED", "FailureType")
    assert answer["cause"] == "Cause description"


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ({"Type": "Fail", "Error": "States.TaskFailed", "Cause": "c"}, "States.TaskFailed"),
        ({"Type": "Pass", "Output": "{% $missing %}", "End": True}, "States.QueryEvaluationError"),
        (
            {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "T"}]},
            "States.NoChoiceMatched",
        ),
        (task("aws-sdk:ssm:getParameter", {"Name": "/none"}), "Ssm.ParameterNotFoundException"),
    ],
)
def test_errors_of_the_language_keep_their_names_through_blocks(
    execute: Execute, inside: dict[str, Any], error: str
) -> None:
    inner = block({"S": inside, **({"T": PASS} if inside["Type"] == "Choice" else {})})
    answer = execute({"Outer": block({"Inner": inner}, **caught_by("Caught")), "Caught": PASS})
    caught = output(answer)
    assert caught["Error"] == error
    assert caught["Cause"].count("An error occurred") <= 1
    if error == "States.QueryEvaluationError":
        assert caught["Cause"].startswith(
            "An error occurred while executing the state 'S' (entered"
        )


def test_results_arguments_output_and_assign(execute: Execute) -> None:
    doubled = {"Type": "Pass", "Output": "{% $states.input.n * 2 %}", "End": True}
    answer = execute(
        {
            "Both": block(
                {"A": doubled},
                {"B": PASS},
                Arguments={"n": "{% $states.input.given + 1 %}"},
                Assign={"sum": "{% $states.result[0] + $states.result[1].n %}"},
                Output={"result": "{% $states.result %}", "input": "{% $states.input %}"},
                Next="Read",
            ),
            "Read": {
                "Type": "Pass",
                "Output": {"sum": "{% $sum %}", "of": "{% $states.input %}"},
                "End": True,
            },
        },
        {"given": 3},
    )
    assert output(answer) == {"sum": 12, "of": {"result": [8, {"n": 4}], "input": {"given": 3}}}


def test_variables_are_read_from_outside_and_do_not_leave_the_block(execute: Execute) -> None:
    """Recorded: test_base_parallel_cases[BASE_SCOPE_PARALLEL]."""
    inside = {"Type": "Pass", "Assign": {"own": "{% $outer & '!' %}"}, "Next": "Tell"}
    tell = {"Type": "Pass", "Output": "{% $own %}", "End": True}
    states = {
        "Set": {"Type": "Pass", "Assign": {"outer": "x"}, "Next": "Block"},
        "Block": block({"Inside": inside, "Tell": tell}, Next="After"),
        "After": {
            "Type": "Pass",
            "Output": {"seen": "{% $exists($own) %}", "told": "{% $states.input %}"},
            "End": True,
        },
    }
    assert output(execute(states)) == {"seen": False, "told": ["x!"]}


def test_a_name_is_assigned_in_one_scope_only(execute: Execute) -> None:
    """AWS: "a variable assigned in an inner scope cannot have the same name as one assigned in an
    outer scope", whichever comes first: it exists "if any state in the scope assigns a value"."""
    inside = {"Type": "Pass", "Assign": {"verdict": 1}, "End": True}
    states = {"Block": block({"Inside": inside}, Assign={"verdict": "{% $states.result %}"})}
    with pytest.raises(ClientError, match=r"InvalidDefinition.*verdict"):
        execute(states)
    side_by_side = {"Block": block({"A": inside}, {"B": inside})}
    assert execute(side_by_side)["status"] == "SUCCEEDED"
    in_catch = {"Block": block({"A": inside}, **caught_by("Caught")), "Caught": PASS}
    in_catch["Block"]["Catch"][0]["Assign"] = {"verdict": 2}
    with pytest.raises(ClientError, match="verdict"):
        execute(in_catch)


def test_output_still_sees_the_values_on_entry(execute: Execute) -> None:
    """AWS: "assigning variable values will not affect state Output"."""
    assign = {"n": "{% $n + 1 %}"}
    states = {
        "Set": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Pass"},
        "Pass": {"Type": "Pass", "Assign": assign, "Output": ["{% $n %}"], "Next": "Task"},
        "Task": task(
            "aws-sdk:s3:listBuckets",
            {},
            Assign=assign,
            Output="{% $append($states.input, $n) %}",
            Next="Choice",
        ),
        "Choice": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% true %}",
                    "Assign": assign,
                    "Output": "{% $append($states.input, $n) %}",
                    "Next": "Last",
                }
            ],
            "Default": "Last",
            "Assign": {"n": 100},
        },
        "Last": {"Type": "Pass", "Output": "{% $append($states.input, $n) %}", "End": True},
    }
    assert output(execute(states)) == [1, 2, 3, 4]


def test_a_block_is_tried_again(client: Client, execute: Execute, fast: None) -> None:
    """Recorded: test_parallel_state_retry, with MaxAttempts 2 three attempts in all."""
    retry = [{"ErrorEquals": ["FailureType"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    fail = {"Type": "Fail", "Error": "FailureType"}
    states = {"Block": block({"Fail": fail}, Retry=retry, **caught_by("Caught")), "Caught": PASS}
    answer = execute(states)
    assert output(answer) == {"Error": "FailureType", "Cause": ""}
    events = client("stepfunctions").get_execution_history(executionArn=answer["executionArn"])
    kinds = [event["type"] for event in events["events"]]
    assert kinds.count("ParallelStateStarted") == kinds.count("FailStateEntered") == 3
    assert kinds.count("ParallelStateFailed") == 1


def test_the_first_failure_ends_the_other_branches_at_once(execute: Execute) -> None:
    wait = {"Type": "Wait", "Seconds": 60, "End": True}
    nested = {"Nested": block({"W1": wait}, {"W2": wait})}
    start = time.monotonic()
    answer = execute(
        {"Block": block(nested, {"Fail": FAIL}, **caught_by("Caught")), "Caught": PASS}
    )
    assert output(answer)["Error"] == "FailureType"
    assert time.monotonic() - start < 5


def test_a_job_in_another_branch_is_stopped(
    client: Client, execute: Execute, make_role: MakeRole
) -> None:
    job = waiting_job(client, make_role, "beside-a-watcher")
    look = task(
        "aws-sdk:sagemaker:describeTrainingJob",
        {"TrainingJobName": job["TrainingJobName"]},
        Retry=[
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 1,
                "MaxAttempts": 60,
                "BackoffRate": 1.0,
            }
        ],
        Next="Fail",
    )
    watcher = {"Look": look, "Fail": FAIL}
    train = {"Train": task("sagemaker:createTrainingJob.sync", job)}
    answer = execute({"Block": block(train, watcher, **caught_by("Caught")), "Caught": PASS})
    assert output(answer)["Error"] == "FailureType"
    wait_until_stopped(client, job["TrainingJobName"])


def test_a_stopped_execution_stops_its_branches_and_their_job(
    client: Client, make_role: MakeRole, execute: Execute
) -> None:
    job = waiting_job(client, make_role, "stopped-with-the-execution")
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "B",
        "States": {
            "B": block(
                {"Train": task("sagemaker:createTrainingJob.sync", job)},
                {"W": {"Type": "Wait", "Seconds": 600, "End": True}},
            )
        },
    }
    role = make_role("stopper", "states.amazonaws.com", {"Action": "*", "Resource": "*"})
    api = client("stepfunctions")
    machine = api.create_state_machine(
        name="stopped", definition=json.dumps(definition), roleArn=role
    )
    execution = api.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    until(lambda: status(client, job["TrainingJobName"]))
    api.stop_execution(executionArn=execution)
    until(lambda: api.describe_execution(executionArn=execution)["status"] != "RUNNING")
    wait_until_stopped(client, job["TrainingJobName"])


def test_executions_stopped_at_any_moment_end(client: Client, make_role: MakeRole) -> None:
    """A Parallel that began while the execution was stopped waited for ever; so did a Wait."""
    role = make_role("many", "states.amazonaws.com", {"Action": "*", "Resource": "*"})
    wait = {"Type": "Wait", "Seconds": 600, "End": True}
    inner = {"C": block({"W1": wait}, {"W2": wait})}
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": block(inner, {"W3": wait})},
    }
    api = client("stepfunctions")
    machine = api.create_state_machine(name="many", definition=json.dumps(definition), roleArn=role)
    arns = []

    def start_and_stop(delay: float) -> None:
        arn = api.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        arns.append(arn)
        time.sleep(delay)
        api.stop_execution(executionArn=arn)

    threads = [threading.Thread(target=start_and_stop, args=(n / 100,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def statuses() -> set[str]:
        return {api.describe_execution(executionArn=arn)["status"] for arn in arns}

    until(lambda: statuses() == {"ABORTED"})
