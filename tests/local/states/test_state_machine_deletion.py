"""A state machine goes when its executions have ended, and until then its name is taken."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.deployment import Client, MakeRole, settled

TASK = {"Type": "Wait", "Seconds": 600}


def definition(states: dict[str, Any]) -> str:
    first = next(iter(states))
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": first, "States": states})


@pytest.fixture(scope="module")
def role(make_role: MakeRole) -> str:
    return make_role("deleted-states", "states.amazonaws.com")


@pytest.fixture
def machine(client: Client, role: str) -> Iterator[str]:
    """A state machine with an execution that waits, in a Parallel, before it would go on."""
    api = client("stepfunctions")
    branch = {"StartAt": "Wait", "States": {"Wait": {**TASK, "End": True}}}
    states = {
        "Block": {"Type": "Parallel", "Branches": [branch], "Next": "After"},
        "After": {"Type": "Pass", "End": True},
    }
    arn = api.create_state_machine(name="going", definition=definition(states), roleArn=role)
    yield arn["stateMachineArn"]
    api.delete_state_machine(stateMachineArn=arn["stateMachineArn"])


def gone(client: Client, machine: str) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client("stepfunctions").describe_state_machine(stateMachineArn=machine)
        except ClientError as error:
            return error.response["Error"]["Code"] == "StateMachineDoesNotExist"
        time.sleep(0.05)
    return False


def test_it_is_deleting_until_its_execution_has_ended(
    client: Client, machine: str, role: str
) -> None:
    api = client("stepfunctions")
    execution = api.start_execution(stateMachineArn=machine)["executionArn"]
    assert api.describe_execution(executionArn=execution)["status"] == "RUNNING"
    api.delete_state_machine(stateMachineArn=machine)
    assert api.describe_state_machine(stateMachineArn=machine)["status"] == "DELETING"
    empty = definition({"Nothing": {"Type": "Pass", "End": True}})
    for call, arguments in (
        (api.start_execution, {"stateMachineArn": machine}),
        (api.update_state_machine, {"stateMachineArn": machine, "definition": empty}),
        (api.create_state_machine, {"name": "going", "definition": empty, "roleArn": role}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**arguments)
        assert refused.value.response["Error"]["Code"] == "StateMachineDeleting"
    assert api.describe_execution(executionArn=execution)["status"] == "RUNNING"
    api.stop_execution(executionArn=execution)
    assert gone(client, machine)
    assert api.create_state_machine(name="going", definition=empty, roleArn=role)


def test_its_executions_end_at_their_next_transition(client: Client, role: str) -> None:
    api = client("stepfunctions")
    loop = {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
        "Again": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% true %}", "Next": "Wait"}],
            "Default": "Never",
        },
        "Never": {"Type": "Succeed"},
    }
    machine = api.create_state_machine(name="loop", definition=definition(loop), roleArn=role)
    machine = machine["stateMachineArn"]
    api.start_execution(stateMachineArn=machine)
    api.delete_state_machine(stateMachineArn=machine)
    assert gone(client, machine)


def test_cloudformation_waits_for_it(client: Client, role: str) -> None:
    api, cloudformation = client("stepfunctions"), client("cloudformation")
    wait = definition({"Wait": {**TASK, "End": True}})
    properties = {"RoleArn": role, "DefinitionString": wait, "StateMachineName": "stays"}
    template = {
        "Resources": {
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        },
        "Outputs": {"Arn": {"Value": {"Ref": "Machine"}}},
    }
    cloudformation.create_stack(StackName="stays", TemplateBody=json.dumps(template))
    assert settled(client, "stays") == "CREATE_COMPLETE"
    (stack,) = cloudformation.describe_stacks(StackName="stays")["Stacks"]
    machine = stack["Outputs"][0]["OutputValue"]
    execution = api.start_execution(stateMachineArn=machine)["executionArn"]
    cloudformation.delete_stack(StackName="stays")
    time.sleep(0.5)
    (stack,) = cloudformation.describe_stacks(StackName="stays")["Stacks"]
    assert stack["StackStatus"] == "DELETE_IN_PROGRESS"
    api.stop_execution(executionArn=execution)
    assert settled(client, "stays") == ""
