"""Brings a file of this repository into the data bucket at deploy time.

CDK uploads files to an assets bucket that it shares between all stacks of the account. Copying
them from there means that training jobs and endpoint need to see no bucket but their own.
"""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.deploy_time_call import DeployTimeCall


class Delivery(Construct):
    """One file at `key` in `bucket`; a changed file is copied again, a former key is left alone."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        path: str,
        content_hash: str,
        bucket: s3.IBucket,
        key: str,
    ) -> None:
        super().__init__(scope, construct_id)
        asset = assets.Asset(self, "Asset", path=path, asset_hash=content_hash)
        self.url = f"s3://{bucket.bucket_name}/{key}"
        copy = cr.AwsSdkCall(
            service="S3",
            action="CopyObject",
            parameters={
                "Bucket": bucket.bucket_name,
                "Key": key,
                "CopySource": f"{asset.s3_bucket_name}/{asset.s3_object_key}",
            },
            physical_resource_id=cr.PhysicalResourceId.of(key),
            output_paths=["CopyObjectResult.ETag"],  # the whole answer may be too long for a reply
        )
        source = asset.bucket.arn_for_objects(asset.s3_object_key)
        DeployTimeCall(
            self,
            "Copy",
            on_update=copy,  # and on creation
            statements=[
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[source]),
                iam.PolicyStatement(
                    actions=["s3:PutObject"], resources=[bucket.arn_for_objects(key)]
                ),
                *_use_of_key(bucket),
            ],
        )


def _use_of_key(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    if bucket.encryption_key is None:
        return []
    return [
        iam.PolicyStatement(
            # Decrypt: a file of more than one part is read again while it is put together
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[bucket.encryption_key.key_arn],
        )
    ]
