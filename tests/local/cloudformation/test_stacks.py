"""Stacks change as on AWS: by resolved properties, in order, and back again if it fails."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudformation.models import cloudformation_backends

from local.cloudformation import stack_resources
from local.cloudformation.stack_resources import held_before
from tests.local.deployment import ACCOUNT, REGION, Client, settled, why


class Stack:
    """One stack, changed through change sets as the CDK's command line does."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.api = client("cloudformation")
        self.name = name

    def begin(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
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

    def apply(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> str:
        self.begin(resources, outputs)
        status = self.settled()
        self.api.delete_change_set(StackName=self.name, ChangeSetName="change")
        return status

    def delete(self) -> str:
        self.api.delete_stack(StackName=self.name)
        return self.settled()

    def settled(self) -> str:
        return settled(self.client, self.name)

    def status(self) -> str:
        return self.describe()["StackStatus"]

    def why(self) -> str:
        return why(self.client, self.name)

    def describe(self) -> dict[str, Any]:
        return self.api.describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self) -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe().get("Outputs", [])}


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
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
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
    assert "has no AWS::Neptune::DBCluster" in stack.why()


def test_a_bucket_with_objects_is_not_deleted(client: Client) -> None:
    stack = Stack(client, "full")
    stack.apply({"B": {"Type": "AWS::S3::Bucket"}}, {"Name": {"Ref": "B"}})
    bucket = stack.outputs()["Name"]
    client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    assert stack.delete() == "DELETE_FAILED"
    client("s3").delete_object(Bucket=bucket, Key="a")
    assert stack.delete() == ""
    with pytest.raises(ClientError):
        stack.describe()


def test_what_is_to_be_retained_outlives_its_stack(client: Client) -> None:
    stack = Stack(client, "retaining")
    stack.apply({"P": parameter("/kept", "kept", DeletionPolicy="Retain")})
    stack.delete()
    assert client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "kept"


def test_deleting_a_change_set_that_is_not_there_succeeds(client: Client) -> None:
    client("cloudformation").delete_change_set(StackName="none", ChangeSetName="none")


def test_a_running_change_is_seen_by_others(client: Client) -> None:
    stack = Stack(client, "seen")
    before = {"A": parameter("/seen/a", "1"), "B": parameter("/seen/b", "1", DependsOn="A")}
    with held_before("B") as hold:
        stack.begin(before, {"Name": {"Ref": "B"}})
        assert hold.reached.wait(10)
        assert stack.status() == "CREATE_IN_PROGRESS"
        assert stack.outputs() == {}
        assert client("ssm").get_parameter(Name="/seen/a")["Parameter"]["Value"] == "1"
    assert stack.settled() == "CREATE_COMPLETE"
    after = {**before, "B": parameter("/seen/b", "2", DependsOn="A")}
    with held_before("B") as hold:
        stack.begin(after, {"Other": {"Ref": "B"}})
        assert hold.reached.wait(10)
        assert stack.status() == "UPDATE_IN_PROGRESS"
        assert stack.outputs() == {"Name": "/seen/b"}
        assert client("ssm").get_parameter(Name="/seen/b")["Parameter"]["Value"] == "1"
        with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be"):
            stack.begin(before)
        with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROG"):
            stack.delete()
    assert stack.settled() == "UPDATE_COMPLETE"
    assert stack.outputs() == {"Other": "/seen/b"}
    with held_before("A") as hold:
        stack.api.delete_stack(StackName="seen")
        assert hold.reached.wait(10)
        assert stack.status() == "DELETE_IN_PROGRESS"
        names = [p["Name"] for p in client("ssm").describe_parameters()["Parameters"]]
        assert "/seen/a" in names
        assert "/seen/b" not in names
    assert stack.settled() == ""


def test_a_rollback_is_seen_by_others_and_keeps_the_former_model(client: Client) -> None:
    stack = Stack(client, "back")
    resources = {
        "P": parameter("/back", "1", DependsOn="Config"),
        "Config": CONFIG,
        "Model": model({"A": "1"}),
    }
    stack.apply(resources, NAMES)
    before = stack.outputs()
    bad = {**resources, "P": parameter("/back", "2", DependsOn="Q"), "Model": model({"A": "2"})}
    bad["Q"] = {"Type": "AWS::Neptune::DBCluster", "DependsOn": "Config"}
    with held_before("Model") as forward:
        stack.begin(bad, NAMES)
        assert forward.reached.wait(10)
        with held_before("Mode") as backward:
            forward.release()
            assert backward.reached.wait(10)
            assert stack.status() == "UPDATE_ROLLBACK_IN_PROGRESS"
            assert stack.outputs() == before
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    seen = [
        e["ResourceStatus"]
        for e in stack.api.describe_stack_events(StackName="back")["StackEvents"]
    ]
    assert seen[:4] == [
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_FAILED",
    ]
    assert stack.outputs() == before
    api = client("sagemaker")
    models = [
        m["ModelName"] for m in api.list_models()["Models"] if m["ModelName"].startswith("back")
    ]
    assert models == [before["Model"]], "the new model is gone and the former one is still there"


def test_a_stack_of_a_name_that_is_free_again_gets_new_names(client: Client) -> None:
    stack = Stack(client, "again")
    resources = {
        "B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "DeletionPolicy": "Retain",
            "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": POLICY},
        },
    }
    names = []
    for _ in range(2):
        assert stack.apply(resources, {"Name": {"Ref": "B"}}) == "CREATE_COMPLETE"
        names.append(stack.outputs()["Name"])
        assert stack.delete() == ""
    assert names[0] != names[1]
    for name in names:
        kept = client("s3").get_bucket_policy(Bucket=name)["Policy"]
        assert json.loads(kept) == POLICY


def test_after_a_rollback_that_failed_what_depends_on_others_is_still_removed_before_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, refused, touched = Stack(client, "stuck"), set[str](), list[str]()
    dependent = {"A": parameter("/stuck/a", "1"), "B": parameter("/stuck/b", "1", DependsOn="A")}
    assert stack.apply(dependent) == "CREATE_COMPLETE"

    def touch(name: str) -> None:
        touched.append(name)
        if name in refused:
            refused.add("A")  # the rollback does not get far
            raise ValueError(f"{name} is refused")

    monkeypatch.setattr(stack_resources, "_wait_where_held", touch)
    refused.add("B")
    changed = {"A": parameter("/stuck/a", "2"), "B": parameter("/stuck/b", "2", DependsOn="A")}
    assert stack.apply(changed) == "UPDATE_ROLLBACK_FAILED"
    refused.clear()
    touched.clear()
    assert stack.delete() == ""
    assert touched == ["B", "A"]


def test_a_name_that_is_taken_is_an_error(client: Client) -> None:
    name = f"taken-{uuid.uuid4()}"
    resources = {
        "AWS::S3::Bucket": {"BucketName": name},
        "AWS::SSM::Parameter": {"Name": f"/{name}", "Type": "String", "Value": "new"},
        "AWS::Logs::LogGroup": {"LogGroupName": name},
    }
    client("s3").create_bucket(Bucket=name)
    client("ssm").put_parameter(Name=f"/{name}", Type="String", Value="old")
    client("logs").create_log_group(logGroupName=name)
    for number, (kind, properties) in enumerate(resources.items()):
        stack = Stack(client, f"{name}-{number}")
        assert stack.apply({"R": {"Type": kind, "Properties": properties}}) == "ROLLBACK_COMPLETE"
        assert "already exists" in stack.why()
        assert stack.delete() == ""
    assert client("ssm").get_parameter(Name=f"/{name}")["Parameter"]["Value"] == "old"
    client("s3").head_bucket(Bucket=name)


def test_a_resource_with_a_name_of_its_own_cannot_be_replaced(client: Client) -> None:
    stack = Stack(client, "fixed")
    stack.apply({"Model": model({"A": "1"}, name="fixed-name")})
    assert (
        stack.apply({"Model": model({"A": "2"}, name="fixed-name")}) == "UPDATE_ROLLBACK_COMPLETE"
    )
    assert "Rename fixed-name and update the stack again" in stack.why()


def test_a_creation_that_fails_leaves_nothing_and_can_only_be_deleted(client: Client) -> None:
    stack = Stack(client, "stillborn")
    bad = {
        "P": parameter("/stillborn", "x", DeletionPolicy="RetainExceptOnCreate"),
        "Q": {"Type": "AWS::Neptune::DBCluster", "DependsOn": "P"},
    }
    assert stack.apply(bad) == "ROLLBACK_COMPLETE"
    assert client("ssm").get_parameters(Names=["/stillborn"])["InvalidParameters"]
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stack.begin(bad)


def test_change_sets_of_the_same_name_belong_to_their_stacks(client: Client) -> None:
    one, other = Stack(client, "one"), Stack(client, "other")
    one.begin({"P": parameter("/one", "a")})
    other.begin({"P": parameter("/other", "a")})
    assert (one.settled(), other.settled()) == ("CREATE_COMPLETE", "CREATE_COMPLETE")
    found = one.api.describe_change_set(StackName="one", ChangeSetName="change")
    assert found["StackName"] == "one"


def test_a_list_of_stacks_that_is_being_written_shows_no_stack_as_gone(client: Client) -> None:
    """DescribeStacks without a name lists no deleted stack, also while one is being deleted."""
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/leaving", "Type": "String", "Value": "v"},
    }
    body = json.dumps({"Resources": {"Parameter": parameter}})
    identity = client("cloudformation").create_stack(StackName="leaving", TemplateBody=body)
    assert settled(client, "leaving") == "CREATE_COMPLETE", why(client, "leaving")
    listed = cloudformation_backends[ACCOUNT][REGION].describe_stacks(None)
    (leaving,) = [stack for stack in listed if stack.name == "leaving"]
    client("cloudformation").delete_stack(StackName="leaving")
    assert settled(client, "leaving") == ""
    assert leaving.status == "DELETE_IN_PROGRESS"
    found = client("cloudformation").describe_stacks(StackName=identity["StackId"])["Stacks"]
    assert [stack["StackStatus"] for stack in found] == ["DELETE_COMPLETE"]
