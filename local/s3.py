"""S3: buckets as a template describes them, and the KMS keys that their objects need.

moto makes every bucket unversioned, cannot change one that the template gives no name, says that it
has deleted one that is not empty, and lets whoever may read an object do without its key.
"""

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import FakeBucket, s3_backends

_create = FakeBucket.create_from_cloudformation_json.__func__
_update = FakeBucket.update_from_cloudformation_json.__func__
_delete = FakeBucket.delete_from_cloudformation_json.__func__


def _create_versioned(
    cls: Any, name: str, definition: Any, account: str, region: str, **_: Any
) -> FakeBucket:
    bucket = _create(cls, name, definition, account, region)
    versioning = definition.get("Properties", {}).get("VersioningConfiguration")
    if versioning:
        s3_backends[account]["aws"].put_bucket_versioning(name, versioning["Status"])
    return bucket


def _update_in_place(
    cls: Any, original_resource: FakeBucket, cloudformation_json: Any, **rest: Any
) -> FakeBucket:
    named = {"BucketName": original_resource.name, **cloudformation_json["Properties"]}
    definition = {**cloudformation_json, "Properties": named}
    return _update(cls, original_resource=original_resource, cloudformation_json=definition, **rest)


def _delete_empty(cls: Any, name: str, definition: Any, account: str, region: str) -> None:
    if s3_backends[account]["aws"].buckets[name].keys:
        raise ValidationError(message=f"The bucket {name} you tried to delete is not empty")
    _delete(cls, name, definition, account, region)


def use_of_key(action: str, object_arn: str, account: str) -> tuple[str, str] | None:
    """Return action and ARN of the KMS key without which `action` on an object is refused."""
    bucket_name, _, key = object_arn.rpartition(":")[2].partition("/")
    bucket = s3_backends[account]["aws"].buckets.get(bucket_name)
    if bucket is None:
        return None
    if action == "s3:GetObject":
        found = bucket.keys.get(key)
        arn = getattr(found, "kms_key_id", None)
        return ("kms:Decrypt", arn) if arn else None
    if action == "s3:PutObject" and bucket.encryption:
        default = bucket.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
        arn = default.get("KMSMasterKeyID")
        return ("kms:GenerateDataKey", arn) if arn else None
    return None


def install() -> None:
    """Put these rules in the place of moto's."""
    FakeBucket.create_from_cloudformation_json = classmethod(_create_versioned)
    FakeBucket.update_from_cloudformation_json = classmethod(_update_in_place)
    FakeBucket.delete_from_cloudformation_json = classmethod(_delete_empty)
