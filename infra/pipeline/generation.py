"""The state machine that makes sounds in bulk: SageMaker's Batch Transform with the served model.

A job posts files of requests to the container that the endpoint has, on instances of its own, and
stores the answers. It runs under the role of its Model: each run makes one, with the served image
and archive.
"""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions import allow, allow_key
from infra.pipeline.machine import Machine
from infra.serving.endpoint import ServedEndpoint
from infra.settings import Settings
from infra.storage.folders import GENERATED, REQUESTS

BATCH_MODEL_SUFFIX = "--batch"  # of a run's Model; no other name has two hyphens after its first
SOUNDS_PER_FILE = 1000  # that counts become; some 8 MB of spoken digits, a second or two of work
FEWEST_PER_FILE = 100
MOST_FILES = 1500  # of requests, each of which takes 14 of an execution's 25,000 events
# files that a job has, which is what a stop loses; a list of so many fits into 256 KB
FILES_PER_JOB = 300
FILE_MEGABYTES = 6  # MaxPayloadInMB, by default
FILE_SECONDS = 3600  # the most of InvocationsTimeoutInSeconds
CONCURRENT = 2  # requests to a container: while the model works on one, Python packs the other
SENTENCES_SHOWN = 3  # of lines that were refused, in the output


class Generation(Construct):
    """The state machine `<name>--generation`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        role: iam.IRole,
        serving: ServedEndpoint,
        settings: Settings,
        shared: dict[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        self.machine = Machine(self, "Machine", name=f"{settings.name}--generation")
        self._grant(bucket, role, serving, settings)
        self.state_machine = self.machine.define(
            "generation",
            {
                **shared,
                "GeneratedPrefix": GENERATED,
                "TransformRoleArn": role.role_arn,
                "BatchModelSuffix": BATCH_MODEL_SUFFIX,
                "SoundsPerFile": SOUNDS_PER_FILE,
                "FewestPerFile": FEWEST_PER_FILE,
                "MostFiles": MOST_FILES,
                "FilesPerJob": FILES_PER_JOB,
                "FileMegabytes": FILE_MEGABYTES,
                "FileBytes": FILE_MEGABYTES * 2**20,
                "FileSeconds": FILE_SECONDS,
                "Concurrent": CONCURRENT,
                "SentencesShown": SENTENCES_SHOWN,
            },
        )

    def _grant(
        self, bucket: s3.IBucket, transform: iam.IRole, serving: ServedEndpoint, settings: Settings
    ) -> None:
        role, machine, made = self.machine.role, self.machine, f"{settings.name}--*"
        allow(
            role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{folder}*" for folder in (REQUESTS, GENERATED)]}},
        )
        allow(
            role,
            ["s3:GetObject", "s3:PutObject"],
            [bucket.arn_for_objects(f"{GENERATED}*")],
            why="Plans, requests and summaries lie in folders that are named after their runs.",
        )
        allow_key(role, bucket, ["kms:Decrypt", "kms:GenerateDataKey"])
        allow(
            role,
            ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
            [serving.endpoint.ref],
        )
        model = machine.arn_of("sagemaker", "model", made)
        served = "Every promotion makes a config and a model whose names begin with the stack's."
        allow(
            role,
            ["sagemaker:DescribeEndpointConfig"],
            [machine.arn_of("sagemaker", "endpoint-config", made), serving.config_arn],
            why=served,
        )
        allow(role, ["sagemaker:DescribeModel"], [model, serving.model_arn], why=served)
        own = f"{settings.name}--*{BATCH_MODEL_SUFFIX}"
        allow(
            role,
            ["sagemaker:CreateModel", "sagemaker:DeleteModel", "sagemaker:AddTags"],
            [machine.arn_of("sagemaker", "model", own)],
            why="Every run makes a model that is named after it.",
        )
        allow(
            role,
            ["iam:PassRole"],
            [transform.role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        allow(
            role,
            [
                "sagemaker:CreateTransformJob",
                "sagemaker:DescribeTransformJob",
                "sagemaker:StopTransformJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [machine.arn_of("sagemaker", "transform-job", made)],
            why="Every attempt has a name of its own, which begins with the stack's.",
        )
        # how Step Functions learns that a job has ended
        rule = "StepFunctionsGetEventsForSageMakerTransformJobsRule"
        allow(
            role,
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [machine.arn_of("events", "rule", rule)],
        )
