"""The endpoint and what it serves: the starter at first, then what an execution promoted.

A promotion updates the endpoint without CloudFormation, which would not notice until a deploy has
to make a new Model or endpoint config, and would then bring back the model of the last such deploy.
So the Model below is made from what is being served at that moment:

    a deploy that changes    reads again    new Model    new config    the endpoint then serves
    nothing, or training     no             no           no            as before, untouched
    memory or concurrency    yes            if promoted  yes           what was served
    number of instances      yes            if promoted  yes           what was served
    kind or type of machine  yes            if promoted  yes           what was served, as another
                                                                       endpoint, made first
    image, role or tags      yes            yes          yes           what was served
    the starter              yes            yes          yes           what was served: the new
                                                                       starter if no promotion yet

No promotion changes the endpoint or the record between that reading and the end of the deploy
(pipeline/deployment.py).

Not covered: a deploy that fails half-way and has to roll back the endpoint as well gives it the
config of the last deploy. An execution with `{"model": "<what the parameter says>"}` mends that.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.serving.scaling import Scaling
from infra.serving.served_model import ServedModel
from infra.settings import Settings, SettingsError
from infra.storage.delivery import Delivery
from infra.storage.folders import MODELS

VARIANT = "AllTraffic"


class ServedEndpoint(Construct):
    """Endpoint with its Model, its config, its scaling and the record of what it serves.

    `before_change` makes what a deployment needs first whenever the version of the endpoint that it
    is given differs from the last deployment's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        role: iam.IRole,
        image: str,
        starter: Path,
        settings: Settings,
        before_change: Callable[[str], Construct],
    ) -> None:
        super().__init__(scope, construct_id)
        if not starter.is_file():
            raise SettingsError(f"The starter model is missing: there is no file {starter}.")
        starter_hash = hashlib.sha256(starter.read_bytes()).hexdigest()[:16]
        delivery = Delivery(
            self,
            "Starter",
            path=str(starter),
            content_hash=starter_hash,
            bucket=bucket,
            # constant, so that a new starter takes the old one's place, served or not
            key=f"{MODELS}starter/model.tar.gz",
        )
        self.starter_url = delivery.url
        self.served = ServedModel(self, "Served", name=settings.name, starter_url=delivery.url)
        version = "|".join(
            [
                image,
                *_capacity_version(settings),
                role.role_arn,
                starter_hash,
                *settings.tags,
            ]
        )
        # no promotion changes the endpoint or the record from here to the end of the deployment
        url = self.served.read(version, after=before_change(version))
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_url=url,
                # the starter's URL is constant: this is what makes a changed one a new Model
                environment={"STARTER_HASH": starter_hash},
            ),
        )
        # SageMaker reads the archive while it creates the Model: role and file must be there
        model.node.add_dependency(role, delivery)
        self.model_arn = model.ref
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    initial_variant_weight=1,
                    **_capacity(settings),
                )
            ],
        )
        self.config_arn = config.ref
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=settings.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
            # as many instances as there are now: those of the config are for the beginning
            retain_all_variant_properties=True if settings.endpoint == "instance" else None,
        )
        if settings.endpoint == "instance":
            Scaling(self, "Scaling", endpoint=self.endpoint, variant=VARIANT, settings=settings)


def _capacity(settings: Settings) -> dict[str, Any]:
    """Return what the variant of the endpoint runs on."""
    if settings.endpoint == "instance":
        return {
            "instance_type": settings.endpoint_instance_type,
            "initial_instance_count": settings.endpoint_min_instances,
        }
    return {
        "serverless_config": sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
            memory_size_in_mb=settings.endpoint_memory_mb,
            max_concurrency=settings.endpoint_max_concurrency,
            provisioned_concurrency=settings.endpoint_provisioned_concurrency or None,
        )
    }


def _capacity_version(settings: Settings) -> list[str]:
    """Return what makes another endpoint config of it."""
    if settings.endpoint == "instance":
        return [settings.endpoint_instance_type, str(settings.endpoint_min_instances)]
    return [
        str(settings.endpoint_memory_mb),
        str(settings.endpoint_max_concurrency),
        str(settings.endpoint_provisioned_concurrency),
    ]
