"""A training job that waits for spare capacity: as long as a test needs it, with no script."""

import contextlib
import time
from typing import Any

from botocore.exceptions import ClientError

from local import faults
from tests.local.deployment import Client, MakeRole


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


def job_names(client: Client) -> list[str]:
    """The names of all training jobs."""
    jobs = client("sagemaker").list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    return [job["TrainingJobName"] for job in jobs]


def eventually_stopped(client: Client, name: str) -> bool:
    """Whether a job is stopped within ten seconds; it may still be on its way to SageMaker."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(ClientError):
            job = client("sagemaker").describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] == "Stopped":
                return True
        time.sleep(0.1)
    return False
