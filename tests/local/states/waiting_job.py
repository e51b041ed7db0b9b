"""A training job that waits for spare capacity: as long as a test needs it, with no script."""

import contextlib
from typing import Any

from botocore.exceptions import ClientError

from local import faults
from tests.local.deployment import Client, MakeRole
from tests.local.waiting import until


def waiting_job(client: Client, make_role: MakeRole, name: str) -> dict[str, Any]:
    """A spot job that waits for an instance."""
    kind = "ml.p3.16xlarge"
    faults.current.no_capacity.add(kind)
    role = make_role(f"role-of-{name}", "sagemaker.amazonaws.com")
    return {
        "TrainingJobName": name,
        "RoleArn": role,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://none/output/"},
        "ResourceConfig": {"InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 1},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    }


def status(client: Client, name: str) -> str:
    """What SageMaker says of a job; empty: there is none (yet)."""
    with contextlib.suppress(ClientError):
        job = client("sagemaker").describe_training_job(TrainingJobName=name)
        return str(job["TrainingJobStatus"])
    return ""


def wait_until_stopped(client: Client, name: str) -> None:
    """Wait for the end of a job, which may still be on its way to SageMaker."""
    until(lambda: status(client, name) == "Stopped")
