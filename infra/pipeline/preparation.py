"""The state machine that prepares sounds for training, with SageMaker Processing.

From how many sounds on it pays: without it every machine of every training job fetches and decodes
all of them before its first epoch, while a GPU waits that costs six times as much. On the four
processors of an ml.g5.xlarge 100,000 sounds take between 6 s (spoken digits at 8 kHz) and 70 s
(two seconds at 44.1 kHz; `python -m benchmarks.preparing`), beside fetching as many objects, and
up to 36 GB of disk, more than `training_volume_gb` gives by default. Two processing jobs take some
minutes only to start, so with fewer sounds it takes longer than it saves.
"""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.console import training_quotas_url
from infra.permissions import allow
from infra.pipeline.machine import Machine
from infra.serving.images import Images
from infra.settings import Settings
from infra.storage.folders import PREPARED
from infra.storage.source_bundle import NAME, SourceBundle

PAYS_FROM = 100_000  # sounds
PAGE = 400  # objects that a state lists at once; what it hands on may have 256 KB
SMALL_PAGE = 150  # where names are so long that this is too much; S3's have 1,024 bytes at most
MOST_PAGES = 2 * PAYS_FROM // PAGE  # before it is given up to count sounds among other files
CODE_FOLDER = "/opt/ml/processing/input/code"
# what the training toolkit does with an archive of the source
ENTRYPOINT = (
    f"set -e; cd {CODE_FOLDER}; tar -xzf {NAME}; "
    "if [ -f requirements.txt ]; then python -m pip install -r requirements.txt; fi; "
    'exec python prepare.py "$@"'
)


def preparing_values() -> dict[str, Any]:
    """Return from when on sounds are prepared, and how they are counted."""
    return {
        "PaysFrom": PAYS_FROM,
        "Page": PAGE,
        "SmallPage": SMALL_PAGE,
        "MostPages": MOST_PAGES,
    }


class Preparation(Construct):
    """The state machine `<name>--preparation`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        role: iam.IRole,
        source: SourceBundle,
        images: Images,
        settings: Settings,
        preparation: Mapping[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.machine = Machine(self, "Machine", name=f"{settings.name}--preparation")
        self._grant(role, settings)
        tags = [*settings.tags, f"sound-vae={settings.name}"]
        network = {
            "VpcConfig": {
                "Subnets": list(settings.subnet_ids),
                "SecurityGroupIds": list(settings.security_group_ids),
            }
        }
        self.state_machine = self.machine.define(
            "preparation",
            {
                "Partition": stack.partition,
                "Region": stack.region,
                "Bucket": bucket.bucket_name,
                "PreparedPrefix": PREPARED,
                "Format": preparation["format"],
                "PreparationSettings": list(preparation["settings"]),
                "LongestPreparationSeconds": settings.longest_execution_hours * 3600,
                "PreparationRoleArn": role.role_arn,
                "TrainingImageCpu": images.training_cpu,
                "Entrypoint": ["/bin/bash", "-c", ENTRYPOINT, "prepare"],
                "SourceFolder": source.folder_url,
                "CodeFolder": CODE_FOLDER,
                "InstanceType": settings.preparation_instance_type,
                "VolumeGigabytes": settings.training_volume_gb,
                "VolumeKmsKeyArn": settings.volume_kms_key_arn or None,
                "KmsKeyArn": settings.kms_key_arn or None,
                "NetworkConfig": network if settings.subnet_ids else None,
                "QuotasUrl": training_quotas_url(stack.region),
                "Tags": [
                    {"Key": key, "Value": value}
                    for key, _, value in (tag.partition("=") for tag in tags)
                ],
            },
        )
        # no execution may ask for what is not there yet
        self.state_machine.node.add_dependency(source)

    def _grant(self, passed: iam.IRole, settings: Settings) -> None:
        role = self.machine.role
        allow(
            role,
            ["iam:PassRole"],
            [passed.role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        allow(
            role,
            [
                "sagemaker:CreateProcessingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:StopProcessingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [self.machine.arn_of("sagemaker", "processing-job", f"{settings.name}--*")],
            why="Every job has a name of its own, which begins with the stack's.",
        )
        # how Step Functions learns that a job has ended
        rule = "StepFunctionsGetEventsForSageMakerProcessingJobsRule"
        allow(
            role,
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [self.machine.arn_of("events", "rule", rule)],
        )
