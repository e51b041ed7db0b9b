"""One stand-in for all tests of this folder, in this process, on a free port."""

import functools
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local import server
from local.aws_environment import operator_environment
from tests.local.deployment import REGION, Client, Execute, MakeRole
from tests.local.waiting import until


@pytest.fixture(scope="session")
def stand_in() -> Iterator[str]:
    url = server.start(0)
    before = dict(os.environ)
    os.environ.update(operator_environment(url, REGION))
    yield url
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def client(stand_in: str) -> Client:
    """boto3 clients of the account's owner; making one takes longer than most calls do."""
    return functools.cache(lambda api: boto3.client(api, region_name=REGION, endpoint_url=stand_in))


@pytest.fixture(scope="session")
def make_role(client: Client) -> MakeRole:
    """Create a role that `service` may assume and that may do what `statements` say."""

    def make(name: str, service: str, *statements: dict[str, Any]) -> str:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        iam = client("iam")
        arn = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        allowed = [{"Effect": "Allow", **statement} for statement in statements]
        if allowed:
            iam.put_role_policy(
                RoleName=name,
                PolicyName="p",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed}),
            )
        return arn

    return make


@pytest.fixture(scope="session")
def execute(client: Client, make_role: MakeRole) -> Execute:
    """Run states of a JSONata state machine to their end; return DescribeExecution's answer."""
    owner = make_role("states-owner", "states.amazonaws.com", {"Action": "*", "Resource": "*"})

    def run(states: dict[str, Any], given: Any = None, role: str = owner) -> dict[str, Any]:
        api = client("stepfunctions")
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": next(iter(states)),
            "States": states,
        }
        machine = api.create_state_machine(
            name=f"test-{time.monotonic_ns()}", definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        execution = api.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))
        arn = execution["executionArn"]
        until(lambda: api.describe_execution(executionArn=arn)["status"] != "RUNNING")
        answer: dict[str, Any] = api.describe_execution(executionArn=arn)
        return answer

    return run
