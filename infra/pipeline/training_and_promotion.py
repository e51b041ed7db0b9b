"""The state machine that a person starts: what it may do, and the values of its definition."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.console import training_quotas_url
from infra.permissions import allow, allow_key
from infra.pipeline.endpoint_changes import EndpointChanges
from infra.pipeline.input_rules import input_values
from infra.pipeline.machine import Machine
from infra.pipeline.patience import looks_within
from infra.pipeline.preparation import Preparation, preparing_values
from infra.pipeline.run_name import run_name_values
from infra.serving.endpoint import ServedEndpoint
from infra.serving.images import Images
from infra.settings import Settings
from infra.storage.folders import AUDIO, CHECKPOINTS, MODELS, OUTPUT, SPECTROGRAMS
from infra.storage.source_bundle import CHANNEL, SourceBundle

SOUNDS = ("wav", "flac", "ogg", "mp3", "aiff", "aif", "npy")
FEWEST_SOUNDS = 2  # one to learn from and one to validate with
# of the sounds that a recogniser hears as the right label; less is within chance
ACCURACY_TOLERANCE = 0.02


def metric_regex(prefix: str, name: str) -> str:
    """Match a figure in a line of figures, and nothing that a sentence could hold.

    AWS does not say which syntax it reads, nor whether ^ is the start of a line, so the expression
    does without: between the prefix and the figure there is room for other figures alone.
    """
    number = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
    return rf"{prefix} (?:[a-z0-9_]+=[^ =]+ )*{name}=({number})(?:\s|$)"


def values(
    stack: cdk.Stack,
    *,
    bucket: s3.IBucket,
    training_role: iam.IRole,
    endpoint_role: iam.IRole,
    serving: ServedEndpoint,
    source: SourceBundle,
    turn: dynamodb.ITable,
    changes: EndpointChanges,
    prepares: Preparation,
    images: Images,
    settings: Settings,
    hyperparameters: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the definition names: fixed at synth, or tokens that CloudFormation fills in."""
    tags = [*settings.tags, f"sound-vae={settings.name}"]
    return {
        **input_values(settings, bucket.bucket_name, hyperparameters),
        "Partition": stack.partition,
        **run_name_values(settings.name),
        "LongestExecutionSeconds": settings.longest_execution_hours * 3600,
        "LongestChangeSeconds": changes.longest_change,
        "LongestTurnSeconds": changes.longest_turn,
        "EndpointMachineArn": changes.machine.arn,
        "TurnTable": turn.table_name,
        "Tags": [
            {"Key": key, "Value": value} for key, _, value in (tag.partition("=") for tag in tags)
        ],
        "OutputFolder": OUTPUT.rstrip("/"),
        "CheckpointsPrefix": CHECKPOINTS,
        "FewestSounds": FEWEST_SOUNDS,
        "SoundSuffixes": "|".join(SOUNDS),
        "SoundKinds": ", ".join(SOUNDS[:-2]),
        **preparing_values(),
        "PreparationMachineArn": prepares.machine.arn,
        # the training job
        "TrainingRoleArn": training_role.role_arn,
        "TrainingImageGpu": images.training_gpu,
        "TrainingImageCpu": images.training_cpu,
        "MetricDefinitions": [
            {"Name": name, "Regex": metric_regex(metrics["prefix"], name)}
            for name in metrics["metrics"]
        ],
        "SourceFolder": source.folder_url,
        "SourceChannel": CHANNEL,
        "FixedHyperparameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": source.submit_directory,
            "sagemaker_region": stack.region,
        },
        "KmsKeyArn": settings.kms_key_arn or None,
        "VolumeGigabytes": settings.training_volume_gb,
        "VolumeKmsKeyArn": settings.volume_kms_key_arn or None,
        "VpcConfig": {
            "Subnets": list(settings.subnet_ids),
            "SecurityGroupIds": list(settings.security_group_ids),
        }
        if settings.subnet_ids
        else None,
        "NetworkIsolation": settings.network_isolation,
        "SpotWaitMinutes": settings.spot_wait_minutes,
        "SpotLooks": looks_within(settings.spot_wait_minutes, first=10, step=5),
        "QuotasUrl": training_quotas_url(stack.region),
        # the promotion
        "AccuracyTolerance": ACCURACY_TOLERANCE,
        "StarterUrl": serving.starter_url,
        "ServedModelParameter": serving.served.parameter_name,
        "EndpointRoleArn": endpoint_role.role_arn,
        "ServingImage": images.serving,
        "EndpointName": settings.endpoint_name,
    }


def grant(
    machine: Machine,
    *,
    bucket: s3.IBucket,
    training_role: iam.IRole,
    endpoint_role: iam.IRole,
    serving: ServedEndpoint,
    turn: dynamodb.ITable,
    settings: Settings,
) -> None:
    """Grant the state machine's role what its states do."""
    role, made = machine.role, f"{settings.name}--*"
    allow(
        role,
        ["s3:ListBucket"],
        [bucket.bucket_arn],
        {
            "StringLike": {
                "s3:prefix": [f"{prefix}*" for prefix in (AUDIO, SPECTROGRAMS, MODELS, OUTPUT)]
            }
        },
    )
    allow(
        role,
        ["s3:GetObject"],
        [
            bucket.arn_for_objects(f"{CHECKPOINTS}*/summary.json"),
            bucket.arn_for_objects(f"{OUTPUT}*"),
            bucket.arn_for_objects(f"{MODELS}*"),
        ],
        why="Summaries and archives lie in folders that are named after their runs.",
    )
    allow(
        role,
        ["s3:PutObject"],
        [bucket.arn_for_objects(f"{MODELS}{made}/model.tar.gz")],
        why="The archive of a promoted model lies in a folder that is named after its run.",
    )
    allow_key(role, bucket, ["kms:Decrypt", "kms:GenerateDataKey"])
    allow(
        role,
        ["iam:PassRole"],
        [training_role.role_arn, endpoint_role.role_arn],
        {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )
    allow(
        role,
        [
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopTrainingJob",
            "sagemaker:AddTags",
            "sagemaker:ListTags",
        ],
        [machine.arn_of("sagemaker", "training-job", made)],
        why="Every attempt at training has a name of its own, which begins with the stack's.",
    )
    # how Step Functions learns that a job has ended
    allow(
        role,
        ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        [machine.arn_of("events", "rule", "StepFunctionsGetEventsForSageMakerTrainingJobsRule")],
    )
    model = machine.arn_of("sagemaker", "model", made)
    config = machine.arn_of("sagemaker", "endpoint-config", made)
    why = "Every promotion makes a model and a config whose names begin with the stack's."
    allow(role, ["sagemaker:CreateModel"], [model], why=why)
    allow(role, ["sagemaker:CreateEndpointConfig"], [config], why=why)
    allow(role, ["sagemaker:AddTags"], [model, config])
    allow(role, ["sagemaker:InvokeEndpoint"], [serving.endpoint.ref])  # when that is there
    allow(role, ["ssm:GetParameter", "ssm:PutParameter"], [serving.served.parameter_arn])
    allow(role, ["dynamodb:UpdateItem"], [turn.table_arn])
