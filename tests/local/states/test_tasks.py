"""Task states call AWS as Step Functions does: how values are spelled, what errors are called."""

import json
from typing import Any

import pytest

from local import faults
from tests.local.deployment import Client, Execute, MakeRole, settled
from tests.local.states.machines import output, task

STATES = "states.amazonaws.com"


def test_a_task_runs_under_the_state_machines_role(
    client: Client, execute: Execute, make_role: MakeRole
) -> None:
    client("ssm").put_parameter(Name="/task/role", Value="v", Type="String")
    states = {
        "Read": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
            "Arguments": {"Name": "/task/role"},
            "Output": {"value": "{% $states.result.Parameter.Value %}"},
            "End": True,
        }
    }
    allowed = {"Action": "ssm:GetParameter", "Resource": "*"}
    reader = make_role("may-read", "states.amazonaws.com", allowed)
    assert json.loads(execute(states, role=reader)["output"]) == {"value": "v"}
    answer = execute(states, role=make_role("may-nothing", "states.amazonaws.com"))
    assert answer["error"].startswith("Ssm.")
    assert "not authorized to perform: ssm:GetParameter" in answer["cause"]


def test_sagemakers_errors_have_the_names_of_the_optimised_integration(execute: Execute) -> None:
    states = {
        "Update": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:updateEndpoint",
            "Arguments": {"EndpointName": "no-such", "EndpointConfigName": "none"},
            "End": True,
        }
    }
    answer = execute(states)
    assert answer["error"] == "SageMaker.AmazonSageMakerException"
    assert 'Could not find endpoint "no-such"' in answer["cause"]
    assert "Error Code: ValidationException" in answer["cause"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("text data", b'"text data"'),
        ({"Dict": "Value"}, b'{"Dict":"Value"}'),
        (["List", "Data"], b'["List","Data"]'),
        (False, b"false"),
        (0, b"0"),
    ],
)
def test_a_blob_is_stored_as_json_even_if_it_is_a_text(
    client: Client, execute: Execute, given: Any, stored: bytes
) -> None:
    """As recorded on AWS: LocalStack's test_s3_put_object[str], [dict], [list], [bool], [num]."""
    s3 = client("s3")
    s3.create_bucket(Bucket="blobs")
    output(
        execute(
            {"Put": task("aws-sdk:s3:putObject", {"Bucket": "blobs", "Key": "k", "Body": given})}
        )
    )
    assert s3.get_object(Bucket="blobs", Key="k")["Body"].read() == stored


def test_a_body_comes_back_as_the_text_that_it_is(client: Client, execute: Execute) -> None:
    """Recorded: test_s3_get_object[str]; JSON in it is not parsed."""
    client("s3").create_bucket(Bucket="texts")
    client("s3").put_object(Bucket="texts", Key="k", Body=b'{"a": 1}')
    answer = output(execute({"Get": task("aws-sdk:s3:getObject", {"Bucket": "texts", "Key": "k"})}))
    assert answer["Body"] == '{"a": 1}'
    assert answer["ContentLength"] == 8


def test_a_parameter_that_the_api_does_not_have_is_a_runtime_error(execute: Execute) -> None:
    answer = execute({"Get": task("aws-sdk:ssm:getParameter", {"name": "/x"})})
    assert answer["error"] == "States.Runtime"
    assert "The field 'name' is not supported by Step Functions" in answer["cause"]


def test_a_missing_bucket_and_key_are_called_as_on_aws(client: Client, execute: Execute) -> None:
    """Recorded: test_no_such_bucket, test_s3_no_such_key."""
    nowhere = execute({"List": task("aws-sdk:s3:listObjectsV2", {"Bucket": "no-such-bucket-77"})})
    assert nowhere["error"] == "S3.NoSuchBucketException"
    client("s3").create_bucket(Bucket="empty-one")
    nothing = execute({"G": task("aws-sdk:s3:getObject", {"Bucket": "empty-one", "Key": "k"})})
    assert nothing["error"] == "S3.NoSuchKeyException"
    assert "Service: S3, Status Code: 404" in nothing["cause"]


TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/locks"
KEY = {"id": {"S": "promotion"}}


@pytest.fixture(scope="module")
def locks(client: Client) -> str:
    client("dynamodb").create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "locks"


@pytest.fixture(scope="module")
def locker(make_role: MakeRole) -> str:
    """A role that may use the table, and no other."""
    items = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    return make_role("locker", STATES, {"Action": items, "Resource": TABLE})


def take(table: str, who: str) -> dict[str, Any]:
    return task(
        "aws-sdk:dynamodb:updateItem",
        {
            "TableName": table,
            "Key": KEY,
            "UpdateExpression": "SET holder = :me, turns = if_not_exists(turns, :zero) + :one",
            "ConditionExpression": "attribute_not_exists(holder) OR holder = :me",
            "ExpressionAttributeValues": {
                ":me": {"S": who},
                ":zero": {"N": "0"},
                ":one": {"N": "1"},
            },
            "ReturnValues": "ALL_NEW",
        },
    )


def test_a_lock_in_a_table_is_taken_once(locks: str, locker: str, execute: Execute) -> None:
    first = output(execute({"Take": take(locks, "first")}, role=locker))
    assert first == {"Attributes": {**KEY, "holder": {"S": "first"}, "turns": {"N": "1"}}}
    second = execute({"Take": take(locks, "second")}, role=locker)
    # its name as recorded for its sister: test_dynamodb_put_item_no_such_table
    assert second["error"] == "DynamoDb.ConditionalCheckFailedException"
    assert second["cause"].startswith("The conditional request failed (Service: DynamoDb, Status")
    get = {"Get": task("aws-sdk:dynamodb:getItem", {"TableName": locks, "Key": KEY})}
    assert output(execute(get, role=locker))["Item"]["holder"] == {"S": "first"}
    delete = {"Drop": task("aws-sdk:dynamodb:deleteItem", {"TableName": locks, "Key": KEY})}
    assert output(execute(delete, role=locker)) == {}
    assert output(execute(get, role=locker)) == {}


def test_a_grant_is_for_one_table(
    client: Client, locks: str, locker: str, execute: Execute
) -> None:
    put = task("aws-sdk:dynamodb:putItem", {"TableName": locks, "Item": KEY})
    refused = execute({"Put": put}, role=locker)
    assert refused["error"] == "DynamoDb.DynamoDbException"
    assert f"not authorized to perform: dynamodb:PutItem on resource: {TABLE}" in refused["cause"]
    elsewhere = execute({"Take": take("other-locks", "me")}, role=locker)
    assert "dynamodb:UpdateItem on resource" in elsewhere["cause"]
    assert elsewhere["cause"].split(" (")[0].endswith("table/other-locks")


def test_describing_a_stack_is_granted_by_its_arn(
    client: Client, make_role: MakeRole, execute: Execute
) -> None:
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    for name in ("mine", "theirs"):
        client("cloudformation").create_stack(StackName=name, TemplateBody=template)
        assert settled(client, name) == "CREATE_COMPLETE"
    where = "arn:aws:cloudformation:us-east-1:123456789012:stack/mine/*"
    role = make_role(
        "sees-mine", STATES, {"Action": "cloudformation:DescribeStacks", "Resource": where}
    )
    describe = {"D": task("aws-sdk:cloudformation:describeStacks", {"StackName": "mine"})}
    assert output(execute(describe, role=role))["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    describe["D"]["Arguments"] = {"StackName": "theirs"}
    refused = execute(describe, role=role)
    assert refused["error"] == "CloudFormation.CloudFormationException"
    assert "not authorized to perform: cloudformation:DescribeStacks" in refused["cause"]


def test_objects_are_copied_described_and_listed(
    client: Client, make_role: MakeRole, execute: Execute
) -> None:
    client("s3").create_bucket(Bucket="archive")
    client("s3").put_object(Bucket="archive", Key="output/run 1/model.tar.gz", Body=b"model")
    role = make_role(
        "copier",
        STATES,
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::archive/*"},
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::archive/models/*"},
        {
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::archive",
            "Condition": {"StringLike": {"s3:prefix": "models/*"}},
        },
    )
    copy = {"Bucket": "archive", "CopySource": "archive/output/run%201/model.tar.gz"}
    states = {
        "Copy": task("aws-sdk:s3:copyObject", {**copy, "Key": "models/a"}, Next="Head"),
        "Head": task(
            "aws-sdk:s3:headObject", {"Bucket": "archive", "Key": "models/a"}, Next="List"
        ),
        "List": task(
            "aws-sdk:s3:listObjectsV2",
            {"Bucket": "archive", "Prefix": "models/"},
            Output=["{% $states.input.ContentLength %}", "{% $states.result.Contents.Key %}"],
        ),
    }
    assert output(execute(states, role=role)) == [5, "models/a"]
    elsewhere = {"Copy": task("aws-sdk:s3:copyObject", {**copy, "Key": "output/b"})}
    assert execute(elsewhere, role=role)["error"].startswith("S3.")
    missing = {"Head": task("aws-sdk:s3:headObject", {"Bucket": "archive", "Key": "models/none"})}
    assert execute(missing, role=role)["error"] == "S3.NoSuchKeyException"


def test_executions_are_started_listed_and_stopped_as_granted(
    client: Client, make_role: MakeRole, execute: Execute
) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}},
    }
    owner = make_role("sleeper", STATES)
    machine = client("stepfunctions").create_state_machine(
        name="sleeper", definition=json.dumps(definition), roleArn=owner
    )["stateMachineArn"]
    runs = machine.replace("stateMachine", "execution") + ":*"
    role = make_role(
        "stops-sleepers",
        STATES,
        {"Action": ["states:StartExecution", "states:ListExecutions"], "Resource": machine},
        {"Action": ["states:StopExecution", "states:DescribeExecution"], "Resource": runs},
    )
    states = {
        "Start": task(
            "aws-sdk:sfn:startExecution",
            {"StateMachineArn": machine, "Input": {"an": "object"}},
            Next="List",
        ),
        "List": task(
            "aws-sdk:sfn:listExecutions",
            {"StateMachineArn": machine, "StatusFilter": "RUNNING"},
            Output="{% $states.result.Executions[0] %}",
            Next="Stop",
        ),
        "Stop": task(
            "aws-sdk:sfn:stopExecution",
            {"ExecutionArn": "{% $states.input.ExecutionArn %}", "Cause": "enough"},
            Output="{% $states.input.ExecutionArn %}",
            Next="Wait",
        ),
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Describe"},
        "Describe": task("aws-sdk:sfn:describeExecution", {"ExecutionArn": "{% $states.input %}"}),
    }
    answer = output(execute(states, role=role))
    assert answer["Status"] == "ABORTED"
    assert json.loads(answer["Input"]) == {"an": "object"}
    role = make_role(
        "stops-nothing", STATES, {"Action": "states:StopExecution", "Resource": machine}
    )
    arn = answer["ExecutionArn"]
    stop = {"Stop": task("aws-sdk:sfn:stopExecution", {"ExecutionArn": arn})}
    assert "not authorized to perform: states:StopExecution" in execute(stop, role=role)["cause"]


def test_training_jobs_are_listed_described_and_stopped_as_granted(
    client: Client, make_role: MakeRole, execute: Execute
) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/"
    role = make_role(
        "watches-jobs",
        STATES,
        {"Action": "sagemaker:ListTrainingJobs", "Resource": "*"},
        {"Action": ["sagemaker:DescribeTrainingJob"], "Resource": f"{arn}mine--*"},
    )
    listing = {"L": task("aws-sdk:sagemaker:listTrainingJobs", {"NameContains": "no-such-job"})}
    assert output(execute(listing, role=role))["TrainingJobSummaries"] == []
    for name, error in {"mine--1": "Could not find", "theirs--1": "not authorized"}.items():
        look = {"D": task("aws-sdk:sagemaker:describeTrainingJob", {"TrainingJobName": name})}
        assert error in execute(look, role=role)["cause"]
    stop = {"S": task("aws-sdk:sagemaker:stopTrainingJob", {"TrainingJobName": "mine--1"})}
    assert (
        f"sagemaker:StopTrainingJob on resource: {arn}mine--1" in execute(stop, role=role)["cause"]
    )


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("aws-sdk:s3:listBuckets", {}, "S3.SdkClientException"),
        (
            "sagemaker:updateEndpoint",
            {"EndpointName": "no-such", "EndpointConfigName": "none"},
            "SageMaker.SdkClientException",
        ),
    ],
)
def test_a_lost_connection_is_an_error_that_may_be_tried_again(
    execute: Execute, resource: str, arguments: dict[str, Any], error: str
) -> None:
    call: dict[str, Any] = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        "End": True,
    }
    service = error.partition(".")[0].lower()
    faults.current.mishaps = [f"{service}:lost"]
    assert execute({"Call": call})["error"] == error
    faults.current.mishaps = [f"{service}:lost"]
    call["Retry"] = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1}]
    assert execute({"Call": call}).get("error") != error  # the second try was answered
    assert faults.current.mishaps == []
