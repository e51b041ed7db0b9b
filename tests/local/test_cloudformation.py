"""Stacks change as on AWS: by resolved properties, in order, and back again if it fails."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.deployment import Client


class Stack:
    """One stack, changed through change sets as the CDK's command line does."""

    def __init__(self, client: Client, name: str) -> None:
        self.api = client("cloudformation")
        self.name = name

    def apply(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> str:
        exists = any(s["StackName"] == self.name for s in self.api.describe_stacks()["Stacks"])
        template = {
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in (outputs or {}).items()},
        }
        self.api.create_change_set(
            StackName=self.name,
            ChangeSetName="change",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        self.api.execute_change_set(StackName=self.name, ChangeSetName="change")
        self.api.delete_change_set(StackName=self.name, ChangeSetName="change")
        return self.describe()["StackStatus"]

    def describe(self) -> dict[str, Any]:
        return self.api.describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe()["Outputs"]}


def parameter(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Name": name, "Value": value},
        **more,
    }


def model(environment: dict[str, str], name: str | None = None) -> dict[str, Any]:
    return {
        "Type": "AWS::SageMaker::Model",
        "Properties": {
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/nobody",
            "PrimaryContainer": {"Image": "i", "Environment": environment},
            **({"ModelName": name} if name else {}),
        },
    }


CONFIG = {
    "Type": "AWS::SageMaker::EndpointConfig",
    "Properties": {
        "ProductionVariants": [
            {
                "VariantName": "v",
                "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                "InitialVariantWeight": 1,
                "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 1024},
            }
        ]
    },
}
NAMES = {
    "Model": {"Fn::GetAtt": ["Model", "ModelName"]},
    "Config": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
}


def test_a_new_stack_has_its_outputs(client: Client) -> None:
    stack = Stack(client, "with-outputs")
    assert stack.apply({"P": parameter("/o", "a")}, {"Name": {"Ref": "P"}}) == "CREATE_COMPLETE"
    assert stack.outputs() == {"Name": "/o"}


def test_replacing_a_model_replaces_the_config_that_names_it(client: Client) -> None:
    stack = Stack(client, "replacing")
    stack.apply({"Config": CONFIG, "Model": model({"A": "1"})}, NAMES)
    before = stack.outputs()
    stack.apply({"Config": CONFIG, "Model": model({"A": "2"})}, NAMES)
    after = stack.outputs()
    assert before["Model"] != after["Model"]
    assert before["Config"] != after["Config"]
    models = {m["ModelName"] for m in client("sagemaker").list_models()["Models"]}
    assert after["Model"] in models
    assert before["Model"] not in models


def test_an_update_leaves_what_has_not_changed(client: Client) -> None:
    stack = Stack(client, "steady")
    resources = {"Config": CONFIG, "Model": model({"A": "1"}), "P": parameter("/steady", "a")}
    stack.apply(resources, NAMES)
    before = stack.outputs()
    assert stack.apply({**resources, "P": parameter("/steady", "b")}, NAMES) == "UPDATE_COMPLETE"
    assert stack.outputs() == before


def test_explicit_names_are_kept(client: Client) -> None:
    stack = Stack(client, "named")
    stack.apply({"Model": model({}, name="my-own-name")}, {"Model": NAMES["Model"]})
    assert stack.outputs()["Model"] == "my-own-name"


def test_a_failed_update_says_why_and_brings_back_what_was_there(client: Client) -> None:
    stack = Stack(client, "failing")
    stack.apply({"P": parameter("/failing", "before")})
    bad = {
        "P": parameter("/failing", "after"),
        "Q": {"Type": "AWS::Neptune::DBCluster", "DependsOn": "P"},
    }
    assert stack.apply(bad) == "UPDATE_ROLLBACK_COMPLETE"
    value = client("ssm").get_parameter(Name="/failing")["Parameter"]["Value"]
    assert value == "before"
    events = stack.api.describe_stack_events(StackName="failing")["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "has no AWS::Neptune::DBCluster" in reasons


def test_a_bucket_with_objects_is_not_deleted(client: Client) -> None:
    stack = Stack(client, "full")
    stack.apply({"B": {"Type": "AWS::S3::Bucket"}}, {"Name": {"Ref": "B"}})
    bucket = stack.outputs()["Name"]
    client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    stack.api.delete_stack(StackName="full")
    assert stack.describe()["StackStatus"] == "DELETE_FAILED"
    client("s3").delete_object(Bucket=bucket, Key="a")
    stack.api.delete_stack(StackName="full")
    with pytest.raises(ClientError):
        stack.describe()


def test_what_is_to_be_retained_outlives_its_stack(client: Client) -> None:
    stack = Stack(client, "retaining")
    stack.apply({"P": parameter("/kept", "kept", DeletionPolicy="Retain")})
    stack.api.delete_stack(StackName="retaining")
    assert client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "kept"


def test_deleting_a_change_set_that_is_not_there_succeeds(client: Client) -> None:
    client("cloudformation").delete_change_set(StackName="none", ChangeSetName="none")
