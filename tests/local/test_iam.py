"""Who may do what: the decisions AWS documents, and the calls that moto would let through."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.iam.access_control import PermissionResult

from local import iam
from local.aws import client_as
from local.policies import decide
from tests.local.deployment import REGION, Client, MakeRole

ALLOWED, DENIED, NEITHER = (
    PermissionResult.PERMITTED,
    PermissionResult.DENIED,
    PermissionResult.NEUTRAL,
)
READ_AUDIO = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/audio/*"}
LIST_AUDIO = {
    "Effect": "Allow",
    "Action": ["s3:ListBucket"],
    "Resource": "arn:aws:s3:::b",
    "Condition": {"StringLike": {"s3:prefix": ["audio/*", "output/*"]}},
}
ONLY_TLS = {
    "Effect": "Deny",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
NOT_OUTSIDE = {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::b/*"}
IF_TAGGED = {
    "Effect": "Allow",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringEqualsIfExists": {"aws:ResourceTag/app": "sound"}},
}
NOT_FROM_ABROAD = {
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
}


@pytest.mark.parametrize(
    ("statements", "action", "resource", "context", "expected"),
    [
        ([READ_AUDIO], "s3:GetObject", "arn:aws:s3:::b/audio/a.wav", {}, ALLOWED),
        ([READ_AUDIO], "S3:getobject", "arn:aws:s3:::b/audio/a.wav", {}, ALLOWED),
        ([READ_AUDIO], "s3:GetObject", "arn:aws:s3:::b/private/a.wav", {}, NEITHER),
        ([READ_AUDIO], "s3:PutObject", "arn:aws:s3:::b/audio/a.wav", {}, NEITHER),
        ([LIST_AUDIO], "s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "audio/x"}, ALLOWED),
        ([LIST_AUDIO], "s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "private/"}, NEITHER),
        ([LIST_AUDIO], "s3:ListBucket", "arn:aws:s3:::b", {}, NEITHER),
        (
            [READ_AUDIO, ONLY_TLS],
            "s3:GetObject",
            "arn:aws:s3:::b/audio/a",
            {"aws:SecureTransport": "true"},
            ALLOWED,
        ),
        (
            [READ_AUDIO, ONLY_TLS],
            "s3:GetObject",
            "arn:aws:s3:::b/audio/a",
            {"aws:SecureTransport": "false"},
            DENIED,
        ),
        ([NOT_OUTSIDE], "ssm:GetParameter", "arn:aws:ssm:::parameter/x", {}, DENIED),
        ([NOT_OUTSIDE], "s3:GetObject", "arn:aws:s3:::c/x", {}, NEITHER),
        ([IF_TAGGED], "x:Y", "z", {}, ALLOWED),
        ([IF_TAGGED], "x:Y", "z", {"aws:ResourceTag/app": "other"}, NEITHER),
        ([NOT_FROM_ABROAD], "x:Y", "z", {"aws:RequestedRegion": "us-east-1"}, NEITHER),
        ([NOT_FROM_ABROAD], "x:Y", "z", {"aws:RequestedRegion": "ap-south-1"}, DENIED),
    ],
)
def test_a_policy_decides_as_aws_documents(
    statements: list[dict[str, Any]],
    action: str,
    resource: str,
    context: dict[str, str],
    expected: PermissionResult,
) -> None:
    assert decide(statements, action, resource, context) is expected


def test_a_role_is_assumed_only_by_the_service_that_it_trusts(make_role: MakeRole) -> None:
    role = make_role("for-sagemaker", "sagemaker.amazonaws.com")
    iam.assume_role(role, "sagemaker.amazonaws.com", REGION)
    with pytest.raises(iam.NotTrustedError, match=r"for-sagemaker.*lambda\.amazonaws\.com"):
        iam.assume_role(role, "lambda.amazonaws.com", REGION)


def test_copying_an_object_needs_the_source_as_well_as_the_target(
    client: Client, make_role: MakeRole
) -> None:
    for bucket in ("copy-from", "copy-to"):
        client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket="copy-from", Key="a", Body=b"x")
    write = {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::copy-to/*"}
    read = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::copy-from/a"}
    service = "lambda.amazonaws.com"
    blind = client_as(make_role("blind", service, write), service, "s3", REGION)
    with pytest.raises(ClientError, match="AccessDenied"):
        blind.copy_object(Bucket="copy-to", Key="b", CopySource="copy-from/a")
    seeing = client_as(make_role("seeing", service, write, read), service, "s3", REGION)
    seeing.copy_object(Bucket="copy-to", Key="b", CopySource="copy-from/a")
    assert client("s3").get_object(Bucket="copy-to", Key="b")["Body"].read() == b"x"


def test_a_parameter_is_a_resource_of_its_own(client: Client, make_role: MakeRole) -> None:
    statement = {
        "Action": "ssm:PutParameter",
        "Resource": "arn:aws:ssm:us-east-1:123456789012:parameter/mine/a",
    }
    service = "states.amazonaws.com"
    ssm = client_as(make_role("one-parameter", service, statement), service, "ssm", REGION)
    ssm.put_parameter(Name="/mine/a", Value="x", Type="String")
    with pytest.raises(ClientError, match="not authorized to perform: ssm:PutParameter"):
        ssm.put_parameter(Name="/mine/b", Value="x", Type="String")
    assert iam.DENIED[-1].resource.endswith("parameter/mine/b")


def test_handing_a_role_to_sagemaker_needs_pass_role(make_role: MakeRole) -> None:
    create = {"Action": "sagemaker:CreateModel", "Resource": "*"}
    service = "states.amazonaws.com"
    api = client_as(make_role("cannot-pass", service, create), service, "sagemaker", REGION)
    with pytest.raises(ClientError, match="iam:PassRole"):
        api.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/any")


def test_a_schedule_is_a_resource_of_its_own_and_needs_pass_role(
    client: Client, make_role: MakeRole
) -> None:
    client("scheduler").create_schedule_group(Name="mine")
    account = "123456789012"
    target = {
        "Arn": f"arn:aws:states:{REGION}:{account}:stateMachine:m",
        "RoleArn": f"arn:aws:iam::{account}:role/passed",
    }
    wanted = {
        "GroupName": "mine",
        "ScheduleExpression": "at(2030-01-01T00:00:00)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    change = {
        "Action": ["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
        "Resource": f"arn:aws:scheduler:{REGION}:{account}:schedule/mine/a",
    }
    hand_on = {
        "Action": "iam:PassRole",
        "Resource": target["RoleArn"],
        "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    }
    service = "states.amazonaws.com"
    api = client_as(
        make_role("one-schedule", service, change, hand_on), service, "scheduler", REGION
    )
    api.create_schedule(Name="a", **wanted)
    api.update_schedule(Name="a", **wanted)
    with pytest.raises(ClientError, match="not authorized to perform: scheduler:CreateSchedule"):
        api.create_schedule(Name="b", **wanted)
    api = client_as(make_role("cannot-hand-on", service, change), service, "scheduler", REGION)
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        api.update_schedule(Name="a", **wanted)


def test_the_accounts_owner_may_do_everything(client: Client) -> None:
    assert "Buckets" in client("s3").list_buckets()
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
