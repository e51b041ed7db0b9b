"""SageMaker: jobs that train, process and transform, and endpoints that answer, behind moto's API.

moto says Completed at once and lists endpoints that nothing serves. It has neither UpdateEndpoint
nor StopTrainingJob and its like, and checks none of what AWS checks when a job or model is created.

What an endpoint cannot be updated to, in AWS's words: "If you try to update your real-time endpoint
to serverless, you receive a ValidationError message"
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html); "If the update would
change the instance type for any model that is a target for auto scaling, the update fails"
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html).
"""

import threading
import time
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.session import get_session
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker import models, urls
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, Model

from local import clock, faults, iam
from local.aws import bucket_and_key, client_as
from local.sagemaker import ATTEMPTS, SERVICE, scaling
from local.sagemaker.endpoint import ModelNotServedError, end_idle
from local.sagemaker.fleet import Fleet
from local.sagemaker.jobs import TrainingJobs, refused
from local.sagemaker.processing_jobs import ProcessingJobs, ProcessingResponses
from local.sagemaker.transforms import TransformJobs

POLL_SECONDS = 0.2


def _throttle(call: str) -> None:
    """Raise a ThrottlingException if a fault asks for it."""
    if faults.current.is_busy(call):
        raise refused("ThrottlingException", "Rate exceeded")


class SageMaker(TrainingJobs, ProcessingJobs, TransformJobs):
    """moto's backend with processes behind its records."""

    _url_module = urls  # moto looks for one beside the class

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.fleets: dict[str, Fleet] = {}  # by endpoint name
        self.pending_configs: dict[str, str] = {}  # by endpoint name, while it is updated
        self._cold_starts: dict[
            str, int
        ] = {}  # by endpoint name, how many requests are still refused
        self._cold_starts_lock = threading.Lock()

    def create_model(self, model_name: str, **request: Any) -> Model:
        """Create a model whose artifact the role can read, as AWS makes sure at once."""
        _throttle("CreateModel")
        if model_name in self._models:
            raise ValidationError(message=f'Cannot create already existing model "{model_name}".')
        url = (request.get("primary_container") or {}).get("ModelDataUrl")
        if url:
            bucket, key = bucket_and_key(url)
            try:
                s3 = client_as(
                    request["execution_role_arn"],
                    SERVICE,
                    "s3",
                    self.region_name,
                    attempts=ATTEMPTS,
                )
                s3.head_object(Bucket=bucket, Key=key)
            except (ClientError, iam.NotTrustedError) as error:
                raise ValidationError(
                    message=f"Could not access model data at {url}. Please ensure that the role "
                    f'"{request["execution_role_arn"]}" exists and that its trust relationship '
                    'policy allows the action "sts:AssumeRole" for the service principal '
                    f'"{SERVICE}". Also ensure that the role has "s3:GetObject" permissions and '
                    f"that the object is located in {self.region_name}. ({error})"
                ) from error
        return super().create_model(model_name=model_name, **request)

    def create_endpoint_config(self, **request: Any) -> FakeEndpointConfig:
        """Create a config under a name that is not taken."""
        _throttle("CreateEndpointConfig")
        name = request["endpoint_config_name"]
        if name in self.endpoint_configs:
            raise ValidationError(
                message=f'Cannot create already existing endpoint configuration "{name}".'
            )
        return super().create_endpoint_config(**request)

    def delete_endpoint_config(self, endpoint_config_name: str) -> None:
        """Delete a config that no endpoint serves or is about to serve."""
        serving = {e.endpoint_config_name: e.endpoint_name for e in self.endpoints.values()}
        coming = {config: name for name, config in self.pending_configs.items()}
        if endpoint := (serving | coming).get(endpoint_config_name):
            raise ValidationError(
                message=f'Cannot delete endpoint configuration "{endpoint_config_name}": the '
                f'endpoint "{endpoint}" uses it.'
            )
        super().delete_endpoint_config(endpoint_config_name)

    def create_endpoint(self, endpoint_name: str, **request: Any) -> FakeEndpoint:
        """Create an endpoint; it is InService as soon as its model server answers."""
        if endpoint_name in self.endpoints:
            raise ValidationError(
                message=f'Cannot create already existing endpoint "{endpoint_name}".'
            )
        endpoint = super().create_endpoint(endpoint_name=endpoint_name, **request)
        endpoint.endpoint_status = "Creating"
        self._deploy(endpoint, endpoint.endpoint_config_name, if_it_fails="Failed")
        return endpoint

    def update_endpoint(
        self, endpoint_name: str, endpoint_config_name: str, retain_all: bool = False
    ) -> FakeEndpoint:
        """Serve another config; if it does not come up, the one before goes on serving.

        With `retain_all` on as many instances as there are now, whatever the config says.
        """
        _throttle("UpdateEndpoint")
        endpoint = self._at_rest(endpoint_name)
        if endpoint_config_name not in self.endpoint_configs:
            raise ValidationError(
                message=f'Could not find endpoint configuration "{endpoint_config_name}".'
            )
        self._refuse_another_kind(endpoint, endpoint_config_name)
        desired = endpoint.production_variants[0].get("DesiredInstanceCount")
        endpoint.endpoint_status = "Updating"
        endpoint.failure_reason = None
        self._deploy(
            endpoint,
            endpoint_config_name,
            if_it_fails="InService",
            instances=desired if retain_all else None,
        )
        return endpoint

    def _at_rest(self, endpoint_name: str) -> FakeEndpoint:
        """Return an endpoint that may be changed."""
        endpoint = self.endpoints.get(endpoint_name)
        if endpoint is None:
            raise ValidationError(message=f'Could not find endpoint "{endpoint_name}".')
        if endpoint.endpoint_status != "InService":
            raise ValidationError(message=f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    def _refuse_another_kind(self, endpoint: FakeEndpoint, config_name: str) -> None:
        (now,) = self.endpoint_configs[endpoint.endpoint_config_name].production_variants
        (coming,) = self.endpoint_configs[config_name].production_variants
        if "InstanceType" in now and "ServerlessConfig" in coming:
            raise ValidationError(
                message=f'The endpoint "{endpoint.arn}" has instances and cannot be updated to '
                "serverless."
            )
        same = all(now.get(key) == coming.get(key) for key in ("VariantName", "InstanceType"))
        name = now["VariantName"]
        where = (self.account_id, self.region_name, endpoint.endpoint_name, name)
        if not same and scaling.is_target(*where):
            raise ValidationError(
                message=f'The variant(s) "[{name}]" must be deregistered as scalable targets with '
                "AWS Auto Scaling before they can be removed or have their instance type updated."
            )

    def update_endpoint_weights_and_capacities(
        self, endpoint_name: str, desired_weights_and_capacities: list[dict[str, Any]]
    ) -> str:
        """Have another number of instances, one container each; weights are kept and do nothing."""
        endpoint = self._at_rest(endpoint_name)
        arn: str = super().update_endpoint_weights_and_capacities(
            endpoint_name, desired_weights_and_capacities
        )
        variant, fleet = endpoint.production_variants[0], self.fleets[endpoint_name]
        count, before = variant["DesiredInstanceCount"], fleet.size
        if "CurrentServerlessConfig" in variant or not count:
            return arn
        variant["CurrentInstanceCount"] = before
        endpoint.endpoint_status = "Updating"

        def scale() -> None:
            time.sleep(faults.current.update_takes / clock.speed)
            try:
                fleet.resize(count)
            except ModelNotServedError as error:
                endpoint.failure_reason = str(error)
                fleet.resize(before)
            variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"] = fleet.size
            endpoint.endpoint_status = "InService"

        threading.Thread(target=scale, daemon=True).start()
        return arn

    def _deploy(
        self,
        endpoint: FakeEndpoint,
        config_name: str,
        if_it_fails: str,
        instances: int | None = None,
    ) -> None:
        """Start the config's containers in the background and swap them in when they answer."""
        name, config = endpoint.endpoint_name, self.endpoint_configs[config_name]
        self.pending_configs[name] = config_name

        def deploy() -> None:
            time.sleep(faults.current.update_takes / clock.speed)
            try:
                other = if_it_fails == "Failed" or config_name != endpoint.endpoint_config_name
                if faults.current.update_fails and other:
                    raise ModelNotServedError(faults.current.update_fails)
                variant = config.production_variants[0]
                model = self.describe_model(variant["ModelName"])
                memory = (variant.get("ServerlessConfig") or {}).get("MemorySizeInMB")
                count = 1 if memory else int(instances or variant["InitialInstanceCount"])
                fleet = Fleet(model, name, self.region_name, memory, count)
            except (ModelNotServedError, ValidationError) as error:
                endpoint.failure_reason = str(error)
                self.pending_configs.pop(name, None)
                endpoint.endpoint_status = if_it_fails
                return
            if self.endpoints.get(name) is not endpoint:  # deleted in the meantime
                fleet.retire()
                end_idle(name, self.region_name)
                return
            previous, self.fleets[name] = self.fleets.get(name), fleet
            endpoint.endpoint_config_name = config_name
            endpoint.production_variants = endpoint._process_production_variants(
                config.production_variants
            )
            if not memory:
                (now,) = endpoint.production_variants
                now["CurrentInstanceCount"] = now["DesiredInstanceCount"] = count
            endpoint.last_modified_time = utcnow()
            self._cold_starts[name] = faults.current.cold_starts if memory else 0
            self.pending_configs.pop(name, None)
            endpoint.endpoint_status = "InService"
            if previous:
                previous.retire()

        threading.Thread(target=deploy, daemon=True).start()

    def is_cold(self, endpoint_name: str, by_role: bool) -> bool:
        """Tell whether a request comes too early after an update: a serverless cold start.

        On AWS such a request takes long or is refused. A role's session is refused: a state machine
        has to try again by its own rules. Everybody else gets the answer, as botocore's standard
        retries do not cover this error.
        """
        with self._cold_starts_lock:
            left = self._cold_starts.get(endpoint_name, 0)
            refused = left > 0 and (by_role or faults.current.cold_for_all)
            self._cold_starts[endpoint_name] = left - 1 if refused else 0
        return refused

    def delete_endpoint(self, endpoint_name: str) -> None:
        """Delete the endpoint, end its containers, and forget how it is scaled."""
        super().delete_endpoint(endpoint_name)
        if fleet := self.fleets.pop(endpoint_name, None):
            fleet.retire()
        scaling.forget(self.account_id, self.region_name, endpoint_name)
        end_idle(endpoint_name, self.region_name)

    def wait_for_endpoint(self, endpoint: FakeEndpoint, config_name: str) -> FakeEndpoint:
        """Wait until an endpoint serves a config, as CloudFormation does; or raise its reason."""
        while endpoint.endpoint_status in ("Creating", "Updating"):
            time.sleep(POLL_SECONDS)
        if endpoint.endpoint_status != "InService" or endpoint.endpoint_config_name != config_name:
            raise ValidationError(message=endpoint.failure_reason)
        return endpoint


class Responses(ProcessingResponses):
    """Three actions that moto lacks, and one whose parameters it ignores."""

    def list_models(self) -> ActionResult:
        """ListModels, of the names that contain NameContains."""
        part = self._get_param("NameContains") or ""
        found = [m for m in self.sagemaker_backend.list_models() if part in m.model_name]
        found.sort(key=lambda model: model.creation_time)
        if self._get_param("SortOrder") != "Ascending":
            found.reverse()
        return ActionResult({"Models": [model.response_object for model in found]})

    def update_endpoint(self) -> ActionResult:
        """UpdateEndpoint."""
        endpoint = self.sagemaker_backend.update_endpoint(
            self._get_param("EndpointName"),
            self._get_param("EndpointConfigName"),
            bool(self._get_param("RetainAllVariantProperties")),
        )
        return ActionResult({"EndpointArn": endpoint.arn})

    def stop_training_job(self) -> ActionResult:
        """StopTrainingJob."""
        self.sagemaker_backend.stop_training_job(self._get_param("TrainingJobName"))
        return EmptyResult()

    def stop_transform_job(self) -> ActionResult:
        """StopTransformJob."""
        self.sagemaker_backend.stop_transform_job(self._get_param("TransformJobName"))
        return EmptyResult()


@cache
def _instance_types() -> frozenset[str]:
    """Return those of the current model of the API; moto knows those of 2021."""
    shape = get_session().get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    return frozenset(shape.enum)


def _validate_instance_type(self: FakeEndpointConfig, instance_type: str) -> None:
    if instance_type not in _instance_types():
        raise ValidationError(
            message=f"Value '{instance_type}' at 'productionVariants.1.member.instanceType' failed "
            "to satisfy constraint: Member must satisfy enum value set."
        )


def _create_from_template(
    cls: Any,
    resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
    **_: Any,
) -> FakeEndpoint:
    backend = models.sagemaker_backends[account_id][region_name]
    properties = cloudformation_json["Properties"]
    config_name = properties["EndpointConfigName"].rpartition("/")[2]
    endpoint = backend.create_endpoint(
        resource_name, endpoint_config_name=config_name, tags=properties.get("Tags", [])
    )
    try:
        return backend.wait_for_endpoint(endpoint, config_name)
    except ValidationError:  # CloudFormation removes what it could not create
        backend.delete_endpoint(resource_name)
        raise


def _update_from_template(
    cls: Any,
    original_resource: Any,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
    **_: Any,
) -> FakeEndpoint:
    """Update the endpoint while it serves; moto deletes it and makes another."""
    backend = models.sagemaker_backends[account_id][region_name]
    properties = cloudformation_json["Properties"]
    config_name = properties["EndpointConfigName"].rpartition("/")[2]
    retain = str(properties.get("RetainAllVariantProperties")).lower() == "true"
    endpoint = backend.update_endpoint(original_resource.endpoint_name, config_name, retain)
    return backend.wait_for_endpoint(endpoint, config_name)


def install() -> None:
    """Replace moto's rules with these."""
    models.sagemaker_backends.backend = SageMaker
    urls.url_paths["{0}/$"] = Responses.dispatch
    FakeEndpointConfig.validate_instance_type = _validate_instance_type
    FakeEndpoint.create_from_cloudformation_json = classmethod(_create_from_template)
    FakeEndpoint.update_from_cloudformation_json = classmethod(_update_from_template)
