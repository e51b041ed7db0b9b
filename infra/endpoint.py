"""The endpoint and what it serves: the starter at first, then what an execution promoted.

What is served is written in one SSM parameter. CloudFormation creates it with the starter's URL
and, because that URL never changes, never writes it again; the state machine writes it after each
promotion. The Model below is made from what the parameter says at the moment when CloudFormation
has to make a new Model or endpoint config, so that no deploy brings an older model back:

    a deploy that changes    reads again    new Model    new config    the endpoint then serves
    nothing, or training     no             no           no            as before, untouched
    memory or concurrency    yes            if promoted  yes           what was served
    serving image or role    yes            yes          yes           what was served
    the starter              yes            yes          yes           what was served: the new
                                                                       starter if no promotion yet
"""

import hashlib
from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.delivery import Delivery
from infra.settings import MODELS, Settings, SettingsError

VARIANT = "AllTraffic"


class ServedEndpoint(Construct):
    """Serverless endpoint with its Model, its config and the record of what it serves."""

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
            key=f"{MODELS}starter/model.tar.gz",  # constant, or the parameter would be reset
        )
        self.parameter = ssm.StringParameter(
            self,
            "ServedModel",
            parameter_name=f"/{settings.name}/served-model",
            string_value=delivery.url,
            description="S3 URL of the model.tar.gz that the endpoint serves; "
            "written by the state machine",
        )
        served = self._what_is_served(
            "|".join(
                [
                    image,
                    str(settings.endpoint_memory_mb),
                    str(settings.endpoint_max_concurrency),
                    role.role_arn,
                    starter_hash,
                ]
            )
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_url=served,
                # the starter's URL is constant: this is what makes a changed one a new Model
                environment={"STARTER_HASH": starter_hash},
            ),
        )
        # SageMaker reads the archive while it creates the Model: role and file must be there
        model.node.add_dependency(role, delivery)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    initial_variant_weight=1,
                    serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                        memory_size_in_mb=settings.endpoint_memory_mb,
                        max_concurrency=settings.endpoint_max_concurrency,
                    ),
                )
            ],
        )
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=settings.name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )

    def _what_is_served(self, version: str) -> str:
        """Read the parameter, again whenever `version` differs from the last deploy's."""
        read = cr.AwsSdkCall(
            service="SSM",
            action="GetParameter",
            parameters={"Name": self.parameter.parameter_name},
            physical_resource_id=cr.PhysicalResourceId.of(f"served|{version}"),
            output_paths=["Parameter.Value"],
        )
        reader = cr.AwsCustomResource(
            self,
            "ReadServedModel",
            on_update=read,  # and on creation
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_statements(
                [
                    iam.PolicyStatement(
                        actions=["ssm:GetParameter"], resources=[self.parameter.parameter_arn]
                    )
                ]
            ),
        )
        reader.node.add_dependency(self.parameter)
        return reader.get_response_field("Parameter.Value")
