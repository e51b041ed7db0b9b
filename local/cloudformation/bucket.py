"""AWS::S3::Bucket: buckets as a template describes them.

moto makes every bucket unversioned, without lifecycle or notifications; it cannot change one that
the template gives no name, and says that it has deleted one that is not empty.
"""

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import FakeBucket, s3_backends

from local.cloudformation.own_resource import Api, owners_api

_create = FakeBucket.create_from_cloudformation_json.__func__
_update = FakeBucket.update_from_cloudformation_json.__func__
_delete = FakeBucket.delete_from_cloudformation_json.__func__


def _configure(bucket: FakeBucket, properties: dict[str, Any], api: Api) -> None:
    """Set what moto leaves out."""
    s3, name = api("s3"), {"Bucket": bucket.name}
    if versioning := properties.get("VersioningConfiguration"):
        s3.put_bucket_versioning(**name, VersioningConfiguration=versioning)
    if block := properties.get("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(**name, PublicAccessBlockConfiguration=block)
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(**name, LifecycleConfiguration={"Rules": rules})
    elif bucket.rules:
        s3.delete_bucket_lifecycle(**name)
    if notifications := properties.get("NotificationConfiguration"):
        events = notifications.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled")
        s3.put_bucket_notification_configuration(
            **name,
            NotificationConfiguration={"EventBridgeConfiguration": {}}
            if str(events).lower() == "true"
            else {},
        )


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a template's rule as PutBucketLifecycleConfiguration takes it."""
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    expiry = {
        "Days": rule.get("ExpirationInDays"),
        "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
    }
    if expiry := {key: value for key, value in expiry.items() if value is not None}:
        made["Expiration"] = expiry
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if days := rule.get("NoncurrentVersionExpirationInDays"):
        noncurrent = {"NoncurrentDays": days}
    if noncurrent:
        made["NoncurrentVersionExpiration"] = noncurrent
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        made["AbortIncompleteMultipartUpload"] = abort
    return made


def _create_configured(
    cls: Any, name: str, definition: Any, account: str, region: str, **_: Any
) -> FakeBucket:
    bucket = _create(cls, name, definition, account, region)
    _configure(bucket, definition.get("Properties", {}), owners_api(region))
    return bucket


def _update_in_place(
    cls: Any, original_resource: FakeBucket, cloudformation_json: Any, region_name: str, **rest: Any
) -> FakeBucket:
    named = {"BucketName": original_resource.name, **cloudformation_json["Properties"]}
    bucket = _update(
        cls,
        original_resource=original_resource,
        cloudformation_json={**cloudformation_json, "Properties": named},
        region_name=region_name,
        **rest,
    )
    _configure(bucket, named, owners_api(region_name))
    return bucket


def _delete_empty(cls: Any, name: str, definition: Any, account: str, region: str) -> None:
    if s3_backends[account]["aws"].buckets[name].keys:
        raise ValidationError(message=f"The bucket {name} you tried to delete is not empty")
    _delete(cls, name, definition, account, region)


def install() -> None:
    """Replace moto's rules with these."""
    FakeBucket.create_from_cloudformation_json = classmethod(_create_configured)
    FakeBucket.update_from_cloudformation_json = classmethod(_update_in_place)
    FakeBucket.delete_from_cloudformation_json = classmethod(_delete_empty)
