"""What SageMaker may do on behalf of the training jobs and the endpoint: this bucket, no other."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions import allow
from infra.serving.images import Images
from infra.settings import Settings
from infra.storage.folders import AUDIO, CHECKPOINTS, CODE, MODELS, OUTPUT, SPECTROGRAMS

READ = (AUDIO, SPECTROGRAMS, CODE, MODELS, OUTPUT, CHECKPOINTS)
WRITE = (OUTPUT, CHECKPOINTS)


class ExecutionRole(iam.Role):
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
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            description=f"Training jobs and endpoint of {settings.name}",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        allow(
            self,
            ["s3:GetObject"],
            [bucket.arn_for_objects(f"{prefix}*") for prefix in READ],
            why="The folders hold files of any name.",
        )
        allow(
            self,
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [bucket.arn_for_objects(f"{prefix}*") for prefix in WRITE],
            why="A job writes into a folder that is named after it.",
        )
        if settings.kms_key_arn:
            # Encrypt is what SageMaker asks for, the other two are what S3 asks for
            actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
            allow(self, actions, [settings.kms_key_arn])
        # SageMaker mirrors the job's folder of checkpoints, including what the job deletes there
        allow(
            self,
            ["s3:DeleteObject"],
            [bucket.arn_for_objects(f"{CHECKPOINTS}*")],
            why="Every execution has a folder of its own.",
        )
        allow(
            self,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in READ]}},
        )
        log_groups = [
            stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=name,
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for name in (
                "/aws/sagemaker/TrainingJobs",
                f"/aws/sagemaker/Endpoints/{settings.name}",
            )
        ]
        allow(
            self,
            [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            [arn for group in log_groups for arn in (group, f"{group}:*")],
            why="Every job and every start of the endpoint makes a log stream of its own.",
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
                for account, region, repository in images.repositories()
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
