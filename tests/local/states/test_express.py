"""Express state machines, as recorded on AWS: LocalStack's test_sfn_api_express."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import client_as
from local.cloudformation import custom_resource
from tests.local.deployment import ACCOUNT, REGION, Client, MakeRole, settled
from tests.local.states.machines import PASS, task

FAIL = {"Type": "Fail", "Error": "Mistake", "Cause": "why"}
WITHOUT_PREFIX = Config(inject_host_prefix=False)  # or boto3 would look for sync-localhost


@pytest.fixture(scope="module")
def sync(stand_in: str) -> Any:
    return boto3.client(
        "stepfunctions", region_name=REGION, endpoint_url=stand_in, config=WITHOUT_PREFIX
    )


@pytest.fixture(scope="module")
def role(make_role: MakeRole) -> str:
    return make_role("express", "states.amazonaws.com", {"Action": "ssm:*", "Resource": "*"})


def machine(api: Any, role: str, name: str, state: dict[str, Any], kind: str = "EXPRESS") -> str:
    definition = {"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}}
    made = api.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role, type=kind
    )
    return made["stateMachineArn"]


def test_a_synchronous_execution_answers_with_its_output(sync: Any, role: str) -> None:
    arn = machine(sync, role, "answers", {**PASS, "Output": "{% $states.input.a + 1 %}"})
    answer = sync.start_sync_execution(stateMachineArn=arn, input='{"a": 1}')
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "2")
    assert answer["executionArn"].split(":")[5:7] == ["express", "answers"]
    failed = machine(sync, role, "fails", FAIL)
    answer = sync.start_sync_execution(stateMachineArn=failed)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Mistake", "why")


def test_a_standard_machine_has_no_synchronous_execution(sync: Any, role: str) -> None:
    arn = machine(sync, role, "standard", PASS, "STANDARD")
    with pytest.raises(ClientError, match="StateMachineTypeNotSupported"):
        sync.start_sync_execution(stateMachineArn=arn)


def test_express_executions_cannot_be_looked_at_and_wait_for_no_job(sync: Any, role: str) -> None:
    arn = machine(sync, role, "unseen", PASS)
    execution = sync.start_execution(stateMachineArn=arn)["executionArn"]
    with pytest.raises(ClientError, match="StateMachineTypeNotSupported"):
        sync.list_executions(stateMachineArn=arn)
    with pytest.raises(ClientError, match="Resource type not valid in this context: express"):
        sync.describe_execution(executionArn=execution)
    with pytest.raises(ClientError, match=r"does not support '\.sync' service integration"):
        machine(sync, role, "waits", task("sagemaker:createTrainingJob.sync", {}))


@pytest.mark.parametrize("service", ["SFN", "StepFunctions"])
def test_the_cdks_custom_resource_starts_one_with_the_grant_for_it(
    sync: Any, role: str, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    arn = machine(sync, role, f"at-the-end-{service}", {**PASS, "Output": {"done": True}})
    call: dict[str, Any] = {"service": service, "action": "startSyncExecution"}
    call |= {"parameters": {"stateMachineArn": arn}, "physicalResourceId": {"id": "x"}}
    lambda_service = "lambda.amazonaws.com"
    grant = {"Action": "states:StartSyncExecution", "Resource": arn}
    allowed = make_role(f"may-{service}", lambda_service, grant)
    function = type("Function", (), {"role": allowed, "timeout": 30})()
    backend = type("Backend", (), {"get_function": lambda _, arn: function})()
    monkeypatch.setattr(custom_resource, "get_backend", lambda *_: backend)
    properties = {"ServiceToken": "f", "Delete": json.dumps(call)}
    _, attributes = custom_resource.make_call(properties, "Delete", ACCOUNT, REGION)
    assert (attributes["status"], attributes["output"]) == ("SUCCEEDED", '{"done":true}')
    other = client_as(
        make_role(f"not-{service}", lambda_service), lambda_service, "stepfunctions", REGION
    )
    with pytest.raises(ClientError, match="not authorized to perform: states:StartSyncExecution"):
        other.start_sync_execution(stateMachineArn=arn)


def test_a_template_makes_an_express_machine_from_a_definition_with_substitutions(
    client: Client, sync: Any, role: str
) -> None:
    state = "{Type: Pass, Output: '${Word}', End: true}"
    definition = f"StartAt: S\nQueryLanguage: JSONata\nStates:\n  S: {state}"
    client("s3").create_bucket(Bucket="definitions")
    client("s3").put_object(Bucket="definitions", Key="a.asl.yaml", Body=definition.encode())
    properties = {
        "StateMachineName": "from-a-template",
        "StateMachineType": "EXPRESS",
        "RoleArn": role,
        "DefinitionS3Location": {"Bucket": "definitions", "Key": "a.asl.yaml"},
        "DefinitionSubstitutions": {"Word": "one"},
    }
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    stack = {"StackName": "express"}
    api = client("cloudformation")
    api.create_stack(**stack, TemplateBody=json.dumps({"Resources": {"M": resource}}))
    assert settled(client, "express") == "CREATE_COMPLETE"
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:from-a-template"
    assert sync.start_sync_execution(stateMachineArn=arn)["output"] == '"one"'
    properties["DefinitionSubstitutions"] = {"Word": "two"}
    api.update_stack(**stack, TemplateBody=json.dumps({"Resources": {"M": resource}}))
    assert settled(client, "express") == "UPDATE_COMPLETE"
    assert sync.start_sync_execution(stateMachineArn=arn)["output"] == '"two"'
