"""The one bucket: sounds go in, models come out."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings
from infra.storage.folders import (
    AUDIO,
    CHECKPOINTS,
    GENERATED,
    OUTPUT,
    PREPARED,
    SPECTROGRAMS,
)


def data_bucket(scope: Construct, construct_id: str, *, settings: Settings) -> s3.IBucket:
    """Make the bucket, or take the one that the settings name, and leave that as its owner has it.

    A bucket that is taken keeps its policy, versioning and lifecycle: docs/settings.md says which
    it should have.
    """
    key = kms.Key.from_key_arn(scope, "Key", settings.kms_key_arn) if settings.kms_key_arn else None
    if settings.bucket_name:
        return s3.Bucket.from_bucket_attributes(
            scope, construct_id, bucket_name=settings.bucket_name, encryption_key=key
        )
    return DataBucket(scope, construct_id, settings=settings, key=key)


class DataBucket(s3.Bucket):
    """Encrypted, TLS-only, versioned, private; the settings say whether it outlives the stack."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, key: kms.IKey | None
    ) -> None:
        retained = settings.retain_data
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=bool(key) or None,  # one call to KMS for many objects
            enforce_ssl=True,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN if retained else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=not retained,
            lifecycle_rules=_lifecycle(settings),
        )
        if retained and self.policy:  # a bucket that stays goes on refusing what is not TLS
            self.policy.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        if settings.train_after_upload_minutes:
            # the CDK's own property would make a function for what is one line of the template
            cast(s3.CfnBucket, self.node.default_child).add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
            )
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1",
                reason="An access log would need a second bucket for the traces of one pipeline; "
                "whoever has to know turns on CloudTrail's data events for this bucket.",
            )
        )


def _lifecycle(settings: Settings) -> list[s3.LifecycleRule]:
    forgotten = cdk.Duration.days(settings.forgotten_days)
    rules = [
        # parts of an upload that broke off are invisible in the console, but paid for
        s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7)),
        # of use only while their execution runs, and written over after every epoch
        s3.LifecycleRule(
            prefix=CHECKPOINTS,
            expiration=cdk.Duration.days(30),
            noncurrent_version_expiration=cdk.Duration.days(1),
        ),
        # whose manifest is written over whenever the sounds are looked at
        s3.LifecycleRule(prefix=PREPARED, noncurrent_version_expiration=cdk.Duration.days(1)),
        # a recording that somebody deleted or replaced is gone for good after this time
        *(
            s3.LifecycleRule(
                prefix=folder,
                noncurrent_version_expiration=forgotten,
                expired_object_delete_marker=True,
            )
            for folder in (AUDIO, SPECTROGRAMS)
        ),
    ]
    if settings.output_days:
        rules += [
            s3.LifecycleRule(
                prefix=folder,
                expiration=cdk.Duration.days(settings.output_days),
                noncurrent_version_expiration=forgotten,
            )
            for folder in (OUTPUT, GENERATED)
        ]
    return rules
