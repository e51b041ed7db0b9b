"""Resource types of CloudFormation's that moto lacks, each made with a call of its service."""

import contextlib
import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import custom_resource
from local.aws import endpoint_url


def owners_client(api: str) -> Any:
    """Return a boto3 client of the account's owner."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client(api, endpoint_url=endpoint_url(), **keys)


class OwnResource:
    """One resource; `put` makes or changes it and returns its physical id."""

    def __init__(self, physical_id: str) -> None:
        self.physical_resource_id = physical_id

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Make the resource; some types need no more than a name."""
        return name

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """Remove what `put` made, if anything."""

    @classmethod
    def has_cfn_attr(cls, attribute: str) -> bool:
        """Tell moto that the template may ask for Ref and Arn."""
        return attribute == "Arn"

    def get_cfn_attribute(self, attribute: str) -> str:
        """Return the ARN, where `put` gave one."""
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, *_: Any, **__: Any
    ) -> "OwnResource":
        """Make the resource from its resolved definition."""
        return cls(cls.put(resource_name, cloudformation_json["Properties"]))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, cloudformation_json: Any, **_: Any
    ) -> "OwnResource":
        """Change the resource in place."""
        name = original_resource.physical_resource_id
        return cls(cls.put(name, cloudformation_json["Properties"]))

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: Any) -> None:
        """Remove the resource; what is gone already is no error."""
        with contextlib.suppress(ClientError):
            cls.remove(resource_name)


class BucketPolicy(OwnResource):
    """AWS::S3::BucketPolicy."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Set the policy of the bucket."""
        bucket, policy = properties["Bucket"], json.dumps(properties["PolicyDocument"])
        owners_client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        return bucket

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """Remove the policy from the bucket."""
        owners_client("s3").delete_bucket_policy(Bucket=physical_id)


class Alarm(OwnResource):
    """AWS::CloudWatch::Alarm; its properties are the parameters of PutMetricAlarm."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Make or change the alarm."""
        name = properties.get("AlarmName") or name.rpartition(":")[2]
        api = owners_client("cloudwatch")
        api.put_metric_alarm(**{**properties, "AlarmName": name})
        return api.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """Delete the alarm."""
        owners_client("cloudwatch").delete_alarms(AlarmNames=[physical_id.rpartition(":")[2]])


class Subscription(OwnResource):
    """AWS::SNS::Subscription."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Subscribe to the topic."""
        wanted = {key: properties[key] for key in ("TopicArn", "Protocol", "Endpoint")}
        return owners_client("sns").subscribe(**wanted)["SubscriptionArn"]

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """End the subscription."""
        owners_client("sns").unsubscribe(SubscriptionArn=physical_id)


class TopicPolicy(OwnResource):
    """AWS::SNS::TopicPolicy."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Set the policy of every topic."""
        for topic in properties["Topics"]:
            owners_client("sns").set_topic_attributes(
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(properties["PolicyDocument"]),
            )
        return name


class EmptiedBucket(OwnResource):
    """Custom::S3AutoDeleteObjects: when it is removed, the bucket is emptied."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Remember the bucket."""
        return properties["BucketName"]

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """Delete every version of every object."""
        boto3.resource(
            "s3",
            endpoint_url=endpoint_url(),
            aws_access_key_id="local",
            aws_secret_access_key="local",
        ).Bucket(physical_id).object_versions.delete()


OWN: dict[str, type] = {
    "AWS::CDK::Metadata": OwnResource,  # a note of the CDK's, no resource
    "AWS::CloudWatch::Alarm": Alarm,
    "AWS::S3::BucketPolicy": BucketPolicy,
    "AWS::SNS::Subscription": Subscription,
    "AWS::SNS::TopicPolicy": TopicPolicy,
    "Custom::AWS": custom_resource.AwsSdkCall,
    "Custom::S3AutoDeleteObjects": EmptiedBucket,
}
