"""The one bucket: sounds go in, models come out."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings
from infra.storage.folders import CHECKPOINTS


class DataBucket(s3.Bucket):
    """Encrypted, TLS-only, versioned, private; the settings say whether it outlives the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        retained = settings.retain_data
        super().__init__(
            scope,
            construct_id,
            **_encryption(scope, settings.kms_key_arn),
            enforce_ssl=True,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN if retained else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=not retained,
            lifecycle_rules=[
                # parts of an upload that broke off are invisible in the console, but paid for
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7)),
                # of use only while their execution runs, and written over after every epoch
                s3.LifecycleRule(
                    prefix=CHECKPOINTS,
                    expiration=cdk.Duration.days(30),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                ),
            ],
        )
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1",
                reason="An access log would need a second bucket for the traces of one pipeline; "
                "whoever has to know turns on CloudTrail's data events for this bucket.",
            )
        )


def _encryption(scope: Construct, key_arn: str) -> dict[str, Any]:
    if not key_arn:
        return {"encryption": s3.BucketEncryption.S3_MANAGED}
    return {
        "encryption": s3.BucketEncryption.KMS,
        "encryption_key": kms.Key.from_key_arn(scope, "Key", key_arn),
        "bucket_key_enabled": True,  # one call to KMS for many objects
    }
