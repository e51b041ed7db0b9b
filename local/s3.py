"""S3: the KMS keys that objects need; moto lets whoever may read an object do without its key."""

from moto.s3.models import s3_backends


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
