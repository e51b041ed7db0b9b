"""SageMaker's processing jobs: what AWS checks when one is created, and processes for each."""

import threading
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker import models
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import FakeProcessingJob
from moto.sagemaker.responses import SageMakerResponse

from local import faults, iam
from local.sagemaker import job_network
from local.sagemaker.jobs import refused
from local.sagemaker.processing_job import ProcessingJob


class ProcessingJobs(models.SageMakerModelBackend):
    """moto's backend, in which processing jobs process."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.running_processing_jobs: dict[str, ProcessingJob] = {}

    def start_processing_job(
        self, resources: dict[str, Any], environment: dict[str, str] | None, **request: Any
    ) -> FakeProcessingJob:
        """Check the request as AWS does, then start the job."""
        name, cluster = request["processing_job_name"], resources["ClusterConfig"]
        if name in self.processing_jobs:
            arn = self.processing_jobs[name].arn
            raise ResourceInUseException(message=f"Processing job names must be unique: {arn}")
        count = int(cluster.get("InstanceCount", 1))
        if answer := faults.current.refusal(cluster["InstanceType"], False, count, "processing"):
            raise refused(*answer)
        record = FakeProcessingJob(
            account_id=self.account_id, region_name=self.region_name, **request
        )
        record.processing_resources, record.environment = resources, environment
        record.processing_end_time = record.processing_start_time = None
        record.exit_message = record.failure_reason = None
        record.processing_job_status = "InProgress"
        try:
            job = ProcessingJob(record, self.region_name)
        except iam.NotTrustedError as error:
            raise ValidationError(message=f"Could not assume role {record.role_arn}.") from error
        if vpc := (request["network_config"] or {}).get("VpcConfig"):
            job_network.require(vpc, record.role_arn, self.region_name)
        self.processing_jobs[name] = record
        self.running_processing_jobs[name] = job
        threading.Thread(target=job.run, daemon=True).start()
        return record

    def stop_processing_job(self, processing_job_name: str) -> None:
        """Ask a running job to stop."""
        record = self.processing_jobs.get(processing_job_name)
        if record is None:
            raise ResourceNotFound(message="Requested resource not found.")
        if record.processing_job_status != "InProgress":
            raise ValidationError(
                message="The request was rejected because the processing job is in status "
                f"{record.processing_job_status}."
            )
        self.running_processing_jobs[processing_job_name].stop()


class ProcessingResponses(SageMakerResponse):
    """Two actions of whose parameters moto knows but some."""

    def create_processing_job(self) -> ActionResult:
        """CreateProcessingJob."""
        names = {
            "app_specification": "AppSpecification",
            "experiment_config": "ExperimentConfig",
            "network_config": "NetworkConfig",
            "processing_inputs": "ProcessingInputs",
            "processing_job_name": "ProcessingJobName",
            "processing_output_config": "ProcessingOutputConfig",
            "role_arn": "RoleArn",
            "stopping_condition": "StoppingCondition",
            "tags": "Tags",
            "resources": "ProcessingResources",
            "environment": "Environment",
        }
        job = self.sagemaker_backend.start_processing_job(
            **{name: self._get_param(parameter) for name, parameter in names.items()}
        )
        return ActionResult({"ProcessingJobArn": job.arn})

    def stop_processing_job(self) -> EmptyResult:
        """StopProcessingJob."""
        self.sagemaker_backend.stop_processing_job(self._get_param("ProcessingJobName"))
        return EmptyResult()
