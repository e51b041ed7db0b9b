"""CloudFormation's resource types: those that moto lacks, and corrections to its own."""

import json
from typing import Any

from moto.iam.models import ManagedPolicy, iam_backends
from moto.kms.models import Key
from moto.sagemaker import models as sagemaker
from moto.stepfunctions.models import StateMachine

from local.cloudformation import (
    bucket,
    bucket_resources,
    custom_resource,
    event_resources,
    scaling_resources,
    watching_resources,
)
from local.cloudformation.own_resource import OwnResource
from local.cloudformation.table_resource import Table

OWN: dict[str, type] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": scaling_resources.ScalableTarget,
    "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_resources.ScalingPolicy,
    "AWS::CDK::Metadata": OwnResource,  # a note of the CDK's, no resource
    "AWS::CloudWatch::Alarm": watching_resources.Alarm,
    "AWS::DynamoDB::Table": Table,
    "AWS::Lambda::Permission": event_resources.Permission,
    "AWS::Logs::LogGroup": watching_resources.LogGroup,
    "AWS::Logs::MetricFilter": watching_resources.MetricFilter,
    "AWS::S3::BucketPolicy": bucket_resources.BucketPolicy,
    "AWS::SNS::Subscription": event_resources.Subscription,
    "AWS::SNS::TopicPolicy": event_resources.TopicPolicy,
    "AWS::Scheduler::Schedule": event_resources.Schedule,
    "AWS::Scheduler::ScheduleGroup": event_resources.ScheduleGroup,
    "Custom::AWS": custom_resource.AwsSdkCall,
    "Custom::S3AutoDeleteObjects": bucket_resources.EmptiedBucket,
    "Custom::S3BucketNotifications": bucket_resources.BucketNotifications,
}

NAMES = {
    sagemaker.Model: "ModelName",
    sagemaker.FakeEndpointConfig: "EndpointConfigName",
    sagemaker.FakeEndpoint: "EndpointName",
    ManagedPolicy: "ManagedPolicyName",
    StateMachine: "StateMachineName",
}
"""The properties by which a template names these; moto has others or none."""


_state_machine_attribute = StateMachine.get_cfn_attribute


def _with_arn(self: StateMachine, attribute: str) -> Any:
    return self.arn if attribute == "Arn" else _state_machine_attribute(self, attribute)


def _attach(policy_arn: str, wanted: set[str], account_id: str) -> None:
    backend = iam_backends[account_id]["aws"]
    attached = {r.name for r in backend.roles.values() if policy_arn in r.managed_policies}
    for role in wanted - attached:
        backend.attach_role_policy(policy_arn, role)
    for role in attached - wanted:
        backend.detach_role_policy(policy_arn, role)


def _update_managed_policy(
    cls: Any, original_resource: Any, cloudformation_json: Any, account_id: str, **_: Any
) -> ManagedPolicy:
    properties, backend = cloudformation_json["Properties"], iam_backends[account_id]["aws"]
    former = original_resource.default_version_id
    document = json.dumps(properties["PolicyDocument"])
    backend.create_policy_version(original_resource.arn, document, "true")
    backend.delete_policy_version(original_resource.arn, former)  # as a policy has five at most
    _attach(original_resource.arn, set(properties.get("Roles", [])), account_id)
    return original_resource


def _delete_managed_policy(
    cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
) -> None:
    _attach(resource_name, set(), account_id)
    iam_backends[account_id]["aws"].delete_policy(resource_name)


def _update_key(cls: Any, original_resource: Any, cloudformation_json: Any, **_: Any) -> Key:
    properties = cloudformation_json["Properties"]
    if "KeyPolicy" in properties:
        original_resource.policy = json.dumps(properties["KeyPolicy"])
    if "Description" in properties:
        original_resource.description = properties["Description"]
    return original_resource


def install() -> None:
    """Replace moto's rules with these."""
    bucket.install()
    for resource, name in NAMES.items():
        resource.cloudformation_name_type = staticmethod(lambda name=name: name)
    StateMachine.get_cfn_attribute = _with_arn
    ManagedPolicy.update_from_cloudformation_json = classmethod(_update_managed_policy)
    ManagedPolicy.delete_from_cloudformation_json = classmethod(_delete_managed_policy)
    Key.update_from_cloudformation_json = classmethod(_update_key)
