"""The resource types that the product's stack uses can be made, changed in place and removed."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.local.deployment import REGION, Client, outputs, settled, why

OTHER_REGION = "eu-west-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["states.amazonaws.com", "scheduler.amazonaws.com"]},
        }
    ],
}


def allow(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def template(stage: str, days: int) -> dict[str, Any]:
    """Every type once, under names of the stage's own; `days` is what an update changes."""
    machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Says}", "End": True}}}
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    target = {"Arn": {"Fn::GetAtt": ["Machine", "Arn"]}, "RoleArn": role}
    resources: dict[str, Any] = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Inline": (
            "AWS::IAM::Policy",
            {
                "PolicyName": "inline",
                "PolicyDocument": allow(f"s3:{days}"),
                "Roles": [{"Ref": "Role"}],
            },
        ),
        "Managed": (
            "AWS::IAM::ManagedPolicy",
            {"PolicyDocument": allow(f"sns:{days}"), "Roles": [{"Ref": "Role"}]},
        ),
        "Machine": (
            "AWS::StepFunctions::StateMachine",
            {
                "RoleArn": role,
                "StateMachineName": stage,
                "StateMachineType": "EXPRESS",
                "DefinitionString": json.dumps(machine),
                "DefinitionSubstitutions": {"Says": f"{days} days"},
            },
        ),
        "Lock": (
            "AWS::DynamoDB::Table",
            {
                "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": days > 7},
            },
        ),
        "Rule": (
            "AWS::Events::Rule",
            {
                "EventPattern": {"source": [f"days.{days}"]},
                "State": "ENABLED",
                "Targets": [{**target, "Id": "Target0", "Input": '{"repair": true}'}],
            },
        ),
        "Group": ("AWS::Scheduler::ScheduleGroup", {"Name": stage}),
        "Nightly": (
            "AWS::Scheduler::Schedule",
            {
                "GroupName": {"Ref": "Group"},
                "ScheduleExpression": f"rate({days} days)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "State": "DISABLED",
                "Target": {**target, "Input": "{}"},
            },
        ),
        "Log": ("AWS::Logs::LogGroup", {"LogGroupName": f"/{stage}", "RetentionInDays": days}),
        "Filter": (
            "AWS::Logs::MetricFilter",
            {
                "LogGroupName": {"Ref": "Log"},
                "FilterPattern": "ERROR",
                "MetricTransformations": [
                    {"MetricName": "m", "MetricNamespace": stage, "MetricValue": str(days)}
                ],
            },
        ),
        "Alarm": (
            "AWS::CloudWatch::Alarm",
            {
                "MetricName": "m",
                "Namespace": stage,
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": days,
            },
        ),
        "Bucket": (
            "AWS::S3::Bucket",
            {
                "VersioningConfiguration": {"Status": "Enabled"},
                "NotificationConfiguration": {
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True}
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Id": "o", "Status": "Enabled", "Prefix": "o/", "ExpirationInDays": days},
                        {
                            "Status": "Enabled",
                            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                        },
                    ]
                },
            },
        ),
        "Function": (
            "AWS::Lambda::Function",
            {
                "Code": {"S3Bucket": "code-of-types", "S3Key": "code.zip"},
                "Handler": "index.handler",
                "Runtime": "nodejs22.x",
                "Role": role,
                "Timeout": days,
            },
        ),
        "Permission": (
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        ),
    }
    outputs: dict[str, Any] = {
        name: {"Value": {"Ref": name}} for name in resources if name != "Permission"
    }
    outputs["TableArn"] = {"Value": {"Fn::GetAtt": ["Lock", "Arn"]}}
    outputs["LogArn"] = {"Value": {"Fn::GetAtt": ["Log", "Arn"]}}
    outputs["AlarmArn"] = {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}
    typed = {n: {"Type": kind, "Properties": given} for n, (kind, given) in resources.items()}
    return {"Resources": typed, "Outputs": outputs}


@pytest.fixture(scope="module")
def code(client: Client) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.js", "exports.handler = () => {}")
    client("s3").create_bucket(Bucket="code-of-types")
    client("s3").put_object(Bucket="code-of-types", Key="code.zip", Body=archive.getvalue())


class Stage:
    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client

    def begin(self, days: int, change: str) -> None:
        getattr(self.client("cloudformation"), f"{change}_stack")(
            StackName=self.name, TemplateBody=json.dumps(template(self.name, days))
        )

    def end(self) -> dict[str, str]:
        status = settled(self.client, self.name)
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), why(self.client, self.name)
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}

    def days(self, made: dict[str, str]) -> dict[str, Any]:
        """What each resource says of the days that the template gives."""
        api, role = self.client, {"RoleName": made["Role"]}
        (attached,) = api("iam").list_attached_role_policies(**role)["AttachedPolicies"]
        arn = attached["PolicyArn"]
        version = api("iam").get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        managed = api("iam").get_policy_version(PolicyArn=arn, VersionId=version)
        inline = api("iam").get_role_policy(**role, PolicyName="inline")["PolicyDocument"]
        machine = api("stepfunctions").describe_state_machine(stateMachineArn=made["Machine"])
        assert machine["type"] == "EXPRESS"
        backups = api("dynamodb").describe_continuous_backups(TableName=made["Lock"])
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        rule = api("events").describe_rule(Name=made["Rule"])
        schedule = api("scheduler").get_schedule(Name=made["Nightly"], GroupName=self.name)
        (group,) = api("logs").describe_log_groups(logGroupNamePrefix=made["Log"])["logGroups"]
        (filtered,) = api("logs").describe_metric_filters(logGroupName=made["Log"])["metricFilters"]
        (alarm,) = api("cloudwatch").describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
        bucket = {"Bucket": made["Bucket"]}
        rules = api("s3").get_bucket_lifecycle_configuration(**bucket)["Rules"]
        function = api("lambda").get_function_configuration(FunctionName=made["Function"])
        return {
            "Inline": inline["Statement"][0]["Action"],
            "Managed": managed["PolicyVersion"]["Document"]["Statement"][0]["Action"],
            "Machine": json.loads(machine["definition"])["States"]["A"]["Result"],
            "Lock": recovery["PointInTimeRecoveryStatus"],
            "Rule": json.loads(rule["EventPattern"])["source"][0],
            "Nightly": schedule["ScheduleExpression"],
            "Log": group["retentionInDays"],
            "Filter": filtered["metricTransformations"][0]["metricValue"],
            "Alarm": alarm["Threshold"],
            "Expires": rules[0]["Expiration"]["Days"],
            "Noncurrent": rules[1]["NoncurrentVersionExpiration"]["NoncurrentDays"],
            "Function": function["Timeout"],
        }


def expected(days: int) -> dict[str, Any]:
    return {
        "Inline": f"s3:{days}",
        "Managed": f"sns:{days}",
        "Machine": f"{days} days",
        "Lock": "ENABLED" if days > 7 else "DISABLED",
        "Rule": f"days.{days}",
        "Nightly": f"rate({days} days)",
        "Log": days,
        "Filter": str(days),
        "Alarm": float(days),
        "Expires": days,
        "Noncurrent": days,
        "Function": days,
    }


def test_stages_side_by_side_and_in_two_regions_are_made_changed_and_removed(
    client: Client, stand_in: str, code: None
) -> None:
    def abroad(api: str) -> Any:
        return boto3.client(api, region_name=OTHER_REGION, endpoint_url=stand_in)

    stages = [Stage("types-a", client), Stage("types-b", client), Stage("types-a", abroad)]
    for stage in stages:
        stage.begin(7, "create")
    made = [stage.end() for stage in stages]
    assert [stage.days(one) for stage, one in zip(stages, made, strict=True)] == [expected(7)] * 3
    assert len({one["Bucket"] for one in made}) == 3
    for one, region in zip(made, (REGION, REGION, OTHER_REGION), strict=True):
        arns = [one[name] for name in ("Machine", "TableArn", "LogArn", "AlarmArn")]
        assert {arn.split(":")[3] for arn in arns} == {region}
        assert one["Log"].startswith("/types-"), "Ref gives the name, GetAtt the ARN"
    for stage in stages:
        stage.begin(30, "update")
    changed = [stage.end() for stage in stages]
    assert changed == made, "nothing is replaced"
    assert [stage.days(one) for stage, one in zip(stages, made, strict=True)] == [expected(30)] * 3
    for stage in stages[1:]:
        stage.client("cloudformation").delete_stack(StackName=stage.name)
        assert settled(stage.client, stage.name) == "", why(stage.client, stage.name)
    assert stages[0].days(made[0]) == expected(30), "the others' end is nothing to it"
    client("cloudformation").delete_stack(StackName="types-a")
    assert settled(client, "types-a") == ""
    left: dict[str, Callable[[], Any]] = {
        "tables": lambda: client("dynamodb").list_tables()["TableNames"],
        "rules": lambda: [r["Name"] for r in client("events").list_rules()["Rules"]],
        "groups": lambda: client("scheduler").list_schedule_groups()["ScheduleGroups"],
        "logs": lambda: client("logs").describe_log_groups()["logGroups"],
        "alarms": lambda: client("cloudwatch").describe_alarms()["MetricAlarms"],
        "machines": lambda: client("stepfunctions").list_state_machines()["stateMachines"],
        "functions": lambda: client("lambda").list_functions()["Functions"],
        "policies": lambda: client("iam").list_policies(Scope="Local")["Policies"],
        "roles": lambda: client("iam").list_roles()["Roles"],
        "buckets": lambda: client("s3").list_buckets()["Buckets"],
    }
    kept = [what for what, look in left.items() if "types-" in json.dumps(look(), default=str)]
    assert kept == []


def test_a_table_that_is_protected_is_not_deleted(client: Client) -> None:
    properties = {
        "TableName": "protected",
        "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
    }
    table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    body = json.dumps({"Resources": {"Table": table}})
    api = client("cloudformation")
    api.create_stack(StackName="protected", TemplateBody=body)
    assert settled(client, "protected") == "CREATE_COMPLETE"
    api.delete_stack(StackName="protected")
    assert settled(client, "protected") == "DELETE_FAILED"
    client("dynamodb").update_table(TableName="protected", DeletionProtectionEnabled=False)
    api.delete_stack(StackName="protected")
    assert settled(client, "protected") == ""


def test_a_bucket_of_several_pages_of_versions_is_emptied(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": versioned}
    emptied = {
        "Type": "Custom::S3AutoDeleteObjects",
        "Properties": {"ServiceToken": "", "BucketName": {"Ref": "Bucket"}},
    }
    output = {"Value": {"Ref": "Bucket"}}
    resources = {"Bucket": bucket, "Emptied": emptied}
    body = json.dumps({"Resources": resources, "Outputs": {"Name": output}})
    api, s3 = client("cloudformation"), client("s3")
    api.create_stack(StackName="emptied", TemplateBody=body)
    assert settled(client, "emptied") == "CREATE_COMPLETE", why(client, "emptied")
    name = outputs(client, "emptied")["Name"]
    for number in range(10):
        for _ in range(2):
            s3.put_object(Bucket=name, Key=f"{number}", Body=b"")
        s3.delete_object(Bucket=name, Key=f"{number}")
    assert s3.list_object_versions(Bucket=name)["IsTruncated"]
    api.delete_stack(StackName="emptied")
    assert settled(client, "emptied") == "", why(client, "emptied")
