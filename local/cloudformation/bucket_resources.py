"""Resource types that moto lacks: a bucket's policy, emptying it, its notifications."""

import json
from typing import Any

from local.cloudformation.own_resource import Api, OwnResource


class BucketPolicy(OwnResource):
    """AWS::S3::BucketPolicy."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Set the policy of the bucket."""
        bucket, policy = properties["Bucket"], json.dumps(properties["PolicyDocument"])
        api("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        return cls(bucket)

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Remove the policy from the bucket."""
        api("s3").delete_bucket_policy(Bucket=physical_id)


class EmptiedBucket(OwnResource):
    """Custom::S3AutoDeleteObjects: when it is removed, the bucket is emptied."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Remember the bucket."""
        return cls(properties["BucketName"])

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete every version of every object, a page at a time as the CDK's function does."""
        s3 = api("s3")
        while True:
            page = s3.list_object_versions(Bucket=physical_id)
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not found:
                return
            versions = [{name: one[name] for name in ("Key", "VersionId")} for one in found]
            s3.delete_objects(Bucket=physical_id, Delete={"Objects": versions, "Quiet": True})


class BucketNotifications(OwnResource):
    """Custom::S3BucketNotifications, by which the CDK tells a bucket whom to notify."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Set the bucket's notifications."""
        cls._set(properties["BucketName"], properties["NotificationConfiguration"], api)
        return cls(name)

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """End the bucket's notifications."""
        cls._set(properties["BucketName"], {}, api)

    @staticmethod
    def _set(bucket: str, notifications: dict[str, Any], api: Api) -> None:
        api("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=notifications
        )
