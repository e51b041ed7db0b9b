"""What is told of an execution while it runs; on the stand-in, in a process of its own."""

import json
import time
from typing import Any

import pytest

from client.following import Epoch, ExecutionFailedError, JobLog, Length, State, follow
from client.stack import Connection

PASS = {"Type": "Pass", "End": True}


def task(**more: Any) -> dict[str, Any]:
    """Looks something up, which takes no time."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:describeParameters",
        "Arguments": {},
        **({} if "Next" in more else {"End": True}),
        **more,
    }


def block(*branches: dict[str, Any], **more: Any) -> dict[str, Any]:
    machines = [{"StartAt": next(iter(states)), "States": states} for states in branches]
    return {"Type": "Parallel", "Branches": machines, "Output": {}, **more}


def start(connection: Connection, states: dict[str, Any]) -> str:
    role = connection.client("iam").create_role(
        RoleName=f"owner-{time.monotonic_ns()}",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "states.amazonaws.com"},
                },
            }
        ),
    )["Role"]
    connection.client("iam").put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="all",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
            }
        ),
    )
    api = connection.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    machine = api.create_state_machine(
        name=f"test-{time.monotonic_ns()}", definition=json.dumps(definition), roleArn=role["Arn"]
    )
    arn: str = api.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    return arn


def events(connection: Connection, states: dict[str, Any]) -> list[Any]:
    arn = start(connection, states)
    return list(follow(arn, connection.client("stepfunctions"), connection.client("logs")))


def test_each_state_is_told_once_with_the_block_it_lies_in(connection: Connection) -> None:
    looked = {"Condition": "{% $states.input.looks < 3 %}", "Next": "Look"}
    again = {"Type": "Choice", "Choices": [looked], "Default": "Found"}
    look = task(Output={"looks": "{% $states.input.looks + 1 %}"}, Next="Enough?")
    waiting = {"Look": look, "Enough?": again, "Found": PASS}
    inner = block({"Deep": task()}, End=True)
    given = {"Type": "Pass", "Output": {"looks": 0}, "Next": "Block"}
    told = events(
        connection,
        {
            "Given": given,
            "Block": block({"Inner": inner}, Next="Watch"),
            "Watch": block(waiting, Arguments={"looks": 0}, Next="Last"),
            "Last": task(Output={"done": True}),
        },
    )
    assert told == [
        State("Block", 0),
        State("Inner", 1),
        State("Deep", 2),
        State("Watch", 0),
        State("Look", 1),
        State("Last", 0),
        {"done": True},
    ]


def test_a_failure_is_told_with_its_cause(connection: Connection) -> None:
    with pytest.raises(ExecutionFailedError, match=r"^FAILED: Mine: no sound$"):
        events(connection, {"Fail": {"Type": "Fail", "Error": "Mine", "Cause": "no sound"}})


def test_epochs_are_read_from_the_jobs_log(connection: Connection) -> None:
    logs = connection.client("logs")
    group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
    reader = JobLog(logs)
    assert list(reader.new_epochs()) == []
    reader.read_job("some-job")
    assert list(reader.new_epochs()) == []
    logs.create_log_group(**group)
    stream = {**group, "logStreamName": "some-job/algo-1-1"}
    logs.create_log_stream(**stream)
    now = int(time.time() * 1000)
    said = "hello", "20 epochs of 40 steps with 16 clips each", "epoch=3 val_loss=-1.5 kl=2e+01"
    for message in said:
        logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": message}])
    third = Epoch(3, {"epoch": 3, "val_loss": -1.5, "kl": 20})
    assert list(reader.news()) == [Length(20), third]
    assert list(reader.new_epochs()) == []
