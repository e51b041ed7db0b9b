"""SageMaker's transform jobs: what AWS checks when one is created, and processes for each.

moto says Completed at once and has no StopTransformJob.
"""

import threading
from typing import Any

from moto.sagemaker import models
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import FakeTransformJob

from local import faults, iam
from local.sagemaker.batch_agent import CONCURRENT, MOST_MB, PAYLOAD_MB
from local.sagemaker.jobs import refused
from local.sagemaker.transform_job import TransformJob


class TransformJobs(models.SageMakerModelBackend):
    """moto's backend, in which models transform."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.running_transforms: dict[str, TransformJob] = {}

    def create_transform_job(self, **request: Any) -> FakeTransformJob:
        """Check the request as AWS does, then start the job."""
        name, resources = request["transform_job_name"], request["transform_resources"]
        if name in self.transform_jobs:
            arn = self.transform_jobs[name].arn
            raise ResourceInUseException(message=f"Transform job names must be unique: {arn}")
        if (model := self._models.get(request["model_name"])) is None:
            raise ValidationError(message=f'Could not find model "{request["model_name"]}".')
        concurrent = request["max_concurrent_transforms"] or CONCURRENT
        if concurrent * (request["max_payload_in_mb"] or PAYLOAD_MB) > MOST_MB:
            raise ValidationError(
                message=f"MaxConcurrentTransforms * MaxPayloadInMB cannot exceed {MOST_MB} MB."
            )
        count, kind = int(resources["InstanceCount"]), resources["InstanceType"]
        if answer := faults.current.refusal(kind, spot=False, count=count, job="transform"):
            raise refused(*answer)
        record = super().create_transform_job(**request)
        record.transform_job_status = "InProgress"
        record.transform_start_time = record.transform_end_time = None
        try:
            job = TransformJob(record, model, self.region_name)
        except iam.NotTrustedError as error:
            del self.transform_jobs[name]
            role = model.execution_role_arn
            raise ValidationError(message=f"Could not assume role {role}.") from error
        self.running_transforms[name] = job
        threading.Thread(target=job.run, daemon=True).start()
        return record

    def stop_transform_job(self, name: str) -> None:
        """Ask a running job to stop."""
        record = self.transform_jobs.get(name)
        if record is None:
            raise ResourceNotFound(message="Requested resource not found.")
        if record.transform_job_status != "InProgress":
            raise ValidationError(
                message="The request was rejected because the transform job is in status "
                f"{record.transform_job_status}."
            )
        self.running_transforms[name].stop()
