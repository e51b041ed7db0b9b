"""What SageMaker's roles have in common: images, logs, metrics, and a bucket to read."""

from collections.abc import Sequence
from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions import allow
from infra.serving.images import Images
from infra.settings import Settings

TRAINING_LOG = "/aws/sagemaker/TrainingJobs"  # of all training jobs of the account
PROCESSING_LOG = "/aws/sagemaker/ProcessingJobs"  # of all processing jobs of the account
TRANSFORM_LOG = "/aws/sagemaker/TransformJobs"  # of all transform jobs of the account


def endpoint_log(name: str) -> str:
    """Name the log group of the endpoint `name`."""
    return f"/aws/sagemaker/Endpoints/{name}"


class Purpose(NamedTuple):
    """What one of the roles is for; `log_why` is for cdk-nag."""

    description: str
    reads: Sequence[str]  # folders of the bucket
    images: Sequence[str]  # URIs
    log_group: str
    log_why: str


class SageMakerRole(iam.Role):
    """Assumed by SageMaker, for resources of this account only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        images: Images,
        settings: Settings,
    ) -> None:
        purpose = self.purpose(images, settings)
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            description=purpose.description,
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        folders = [f"{folder}*" for folder in purpose.reads]
        allow(
            self,
            ["s3:GetObject"],
            [bucket.arn_for_objects(folder) for folder in folders],
            why="The folders hold files of any name.",
        )
        allow(
            self,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            {"StringLike": {"s3:prefix": folders}},
        )
        group = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=purpose.log_group,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(
            self,
            [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            [group, f"{group}:*"],
            why=purpose.log_why,
        )
        allow(
            self,
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [
                stack.format_arn(
                    service="ecr",
                    account=account,
                    region=region,
                    resource="repository",
                    resource_name=repository,
                )
                for account, region, repository in Images.repositories(*purpose.images)
            ],
        )
        # neither action knows resources; the second is held to SageMaker's own metrics
        allow(
            self,
            ["ecr:GetAuthorizationToken"],
            ["*"],
            why="Logging in to a registry and writing metrics know no resource.",
        )
        allow(
            self,
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
        )
        self.allow_more(bucket, settings)

    def write(self, bucket: s3.IBucket, folders: Sequence[str], *, why: str) -> None:
        """Grant what a job needs to leave results in these folders."""
        allow(
            self,
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [bucket.arn_for_objects(f"{folder}*") for folder in folders],
            why=why,
        )

    def purpose(self, images: Images, settings: Settings) -> Purpose:
        """Return what this role is for."""
        raise NotImplementedError

    def allow_more(self, bucket: s3.IBucket, settings: Settings) -> None:
        """Grant what the other role may not."""
        raise NotImplementedError

    def use_keys(self, settings: Settings) -> None:
        """Let SageMaker use the keys of what a job reads and writes, where there are some."""
        if settings.kms_key_arn:
            # Encrypt is what SageMaker asks for, the other two are what S3 asks for
            actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
            allow(self, actions, [settings.kms_key_arn])
        if settings.volume_kms_key_arn:
            allow(self, ["kms:CreateGrant"], [settings.volume_kms_key_arn])

    def join_network(self, settings: Settings) -> None:
        """Let SageMaker put a job's network interfaces into the VPC, if there is one."""
        if not settings.subnet_ids:
            return
        stack = cdk.Stack.of(self)

        def arn(kind: str, name: str) -> str:
            return stack.format_arn(service="ec2", resource=kind, resource_name=name)

        interfaces = arn("network-interface", "*")
        allow(
            self,
            ["ec2:CreateNetworkInterface"],
            [
                interfaces,
                *(arn("subnet", subnet) for subnet in settings.subnet_ids),
                *(arn("security-group", group) for group in settings.security_group_ids),
            ],
            why="Every job has network interfaces of its own, whose names EC2 makes up.",
        )
        allow(
            self,
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [interfaces],
        )
        allow(
            self,
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
        )
