"""SageMaker's training jobs: what AWS checks when one is created, and a process for each."""

import re
import threading
from typing import Any

from botocore.exceptions import ClientError
from moto.sagemaker import models
from moto.sagemaker.exceptions import (
    ResourceInUseException,
    ResourceNotFound,
    SagemakerClientError,
    ValidationError,
)
from moto.sagemaker.models import FakeTrainingJob

from local import faults, iam
from local.aws import bucket_and_key
from local.sagemaker import job_network, tensorboard_output
from local.sagemaker.job_folder import input_objects
from local.sagemaker.training_job import DAY, TrainingJob

LOCAL_STORAGE = re.compile(r"\w+d|\w+dn|\w+de|g[4-9]\w*|gr6|p[4-9]\w*|trn\w+|i\d\w*")
"""Instance families with NVMe disks: VolumeSizeInGB does nothing there, and they take no key."""


def refused(code: str, message: str) -> SagemakerClientError:
    """Return an error of SageMaker's that moto has no class for."""
    return type("Refused", (SagemakerClientError,), {"code": code})(message)


def _check_resources(request: dict[str, Any]) -> None:
    """Raise AWS's refusal of times and of keys that do not fit the instance."""
    times, resources = request["stopping_condition"] or {}, request["resource_config"]
    if request["enable_managed_spot_training"]:
        wait, run = times.get("MaxWaitTimeInSeconds"), times.get("MaxRuntimeInSeconds", DAY)
        if wait is None or wait < run:
            raise ValidationError(
                message="Invalid MaxWaitTimeInSeconds. It must be present and be greater than or "
                "equal to MaxRuntimeInSeconds"
            )
    elif "MaxWaitTimeInSeconds" in times:
        raise ValidationError(
            message="Invalid MaxWaitTimeInSeconds. It is only supported when "
            "EnableManagedSpotTraining is set to true"
        )
    family = resources["InstanceType"].split(".")[1]
    if resources.get("VolumeKmsKeyId") and LOCAL_STORAGE.fullmatch(family):
        raise ValidationError(
            message="You can't request a VolumeKmsKeyId when using an instance type with local "
            f"storage: {resources['InstanceType']}"
        )


class TrainingJobs(models.SageMakerModelBackend):
    """moto's backend, in which jobs train."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.running_jobs: dict[str, TrainingJob] = {}

    def create_training_job(self, **request: Any) -> FakeTrainingJob:
        """Check the request as AWS does, then start the job."""
        name = request["training_job_name"]
        if name in self.training_jobs:
            arn = self.training_jobs[name].arn
            raise ResourceInUseException(message=f"Training job names must be unique: {arn}")
        _check_resources(request)
        tensorboard_output.check(request["tensor_board_output_config"])
        spot, resources = request["enable_managed_spot_training"], request["resource_config"]
        count = int(resources.get("InstanceCount", 1))
        if answer := faults.current.refusal(resources["InstanceType"], spot, count):
            raise refused(*answer)
        request["hyper_parameters"] = request["hyper_parameters"] or {}
        asked_metrics = request["algorithm_specification"].get("MetricDefinitions") or []
        record = FakeTrainingJob(
            account_id=self.account_id, region_name=self.region_name, **request
        )
        record.algorithm_specification["MetricDefinitions"] = asked_metrics
        record.final_metric_data_list = []
        record.model_artifacts = record.training_end_time = record.failure_reason = None
        record.training_start_time = None
        record.training_job_status, record.secondary_status = "InProgress", "Starting"
        del record.secondary_status_transitions[0]["EndTime"]
        try:
            job = TrainingJob(record, self.region_name)
        except iam.NotTrustedError as error:
            raise ValidationError(message=f"Could not assume role {record.role_arn}.") from error
        if request["vpc_config"]:
            job_network.require(request["vpc_config"], record.role_arn, self.region_name)
        for channel in record.input_data_config or []:
            self._require_objects(job, channel)
        self.training_jobs[name] = record
        self.running_jobs[name] = job
        threading.Thread(target=job.run, daemon=True).start()
        return record

    def _require_objects(self, job: TrainingJob, channel: dict[str, Any]) -> None:
        url = channel["DataSource"]["S3DataSource"]["S3Uri"]
        try:
            found = next(input_objects(job.s3, channel), None)
        except ClientError as error:
            reason = f" Error message from S3: {error.response['Error']['Message']}"
        else:
            if found:
                return
            reason = ""
        raise ValidationError(
            message=f'No S3 objects found under S3 URL "{url}" given in input data source. Please '
            f"ensure that the bucket exists in the selected region ({self.region_name}), that "
            f'objects exist under that S3 prefix, and that the role "{job.record.role_arn}" has '
            f'"s3:ListBucket" permissions on bucket "{bucket_and_key(url)[0]}".{reason}'
        )

    def stop_training_job(self, name: str) -> None:
        """Ask a running job to stop."""
        record = self.training_jobs.get(name)
        if record is None:
            raise ResourceNotFound(message="Requested resource not found.")
        if record.training_job_status != "InProgress":
            raise ValidationError(
                message=f"The request was rejected because the training job is in status "
                f"{record.training_job_status}."
            )
        self.running_jobs[name].stop()
