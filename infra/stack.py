"""The stack: what there is, and who knows whom."""

import json
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.console import console_url, state_machine_url
from infra.pipeline.deployment import Deployment
from infra.pipeline.pipeline import Pipeline
from infra.pipeline.turn import TurnTable
from infra.schedule import Schedule
from infra.serving.endpoint import ServedEndpoint
from infra.serving.endpoint_role import EndpointRole
from infra.serving.execution_role import ExecutionRole
from infra.serving.images import Images
from infra.serving.preparation_role import PreparationRole
from infra.serving.sagemaker_role import (
    PROCESSING_LOG,
    TRAINING_LOG,
    TRANSFORM_LOG,
    endpoint_log,
)
from infra.serving.transform_role import TransformRole
from infra.settings import Settings
from infra.storage.bucket import data_bucket
from infra.storage.source_bundle import SourceBundle
from infra.watching.alarms import Alarms
from infra.watching.dashboard import Dashboard, dashboard_name
from infra.watching.log_retention import LogRetention

ROOT = Path(__file__).parent.parent
TRAINING = ROOT / "training"
STARTER = ROOT / "infra" / "starter" / "model.tar.gz"


def stack_name(settings: Settings) -> str:
    """Name the stack: another setting `name` is another stack, beside this one."""
    default = Settings.name == settings.name
    return "SoundVae" if default else f"SoundVae-{settings.name}"


class SoundVaeStack(cdk.Stack):
    """Bucket, execution role, state machine and endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        training: Path = TRAINING,
        starter: Path = STARTER,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            description="Sound VAE: trains a sound-generating model and serves it",
        )
        for tag in settings.tags:
            name, _, value = tag.partition("=")
            cdk.Tags.of(self).add(name, value)
        images = Images.of(self.region, settings)
        bucket = data_bucket(self, "Data", settings=settings)
        role = ExecutionRole(self, "ExecutionRole", bucket=bucket, images=images, settings=settings)
        preparation_role = PreparationRole(
            self, "PreparationRole", bucket=bucket, images=images, settings=settings
        )
        endpoint_role = EndpointRole(
            self, "EndpointRole", bucket=bucket, images=images, settings=settings
        )
        transform_role = TransformRole(
            self, "TransformRole", bucket=bucket, images=images, settings=settings
        )
        turn = TurnTable(self, "Turn")
        deployment = Deployment(self, "Deployment", turn=turn, settings=settings)
        serving = ServedEndpoint(
            self,
            "Serving",
            bucket=bucket,
            role=endpoint_role,
            image=images.serving,
            starter=starter,
            settings=settings,
            before_change=deployment.has_its_turn,
        )
        source = SourceBundle(
            self,
            "TrainingSource",
            training=training,
            bucket=bucket,
            isolated=settings.network_isolation,
        )
        pipeline = Pipeline(
            self,
            "Pipeline",
            bucket=bucket,
            training_role=role,
            preparation_role=preparation_role,
            endpoint_role=endpoint_role,
            transform_role=transform_role,
            serving=serving,
            turn=turn,
            source=source,
            images=images,
            settings=settings,
            hyperparameters=json.loads((training / "hyperparameters.json").read_text()),
            metrics=json.loads((training / "metrics.json").read_text()),
            preparation=json.loads((training / "preparation.json").read_text()),
        )
        state_machine = pipeline.state_machine.state_machine_arn
        Alarms(
            self,
            "Alarms",
            settings=settings,
            state_machine_arn=state_machine,
            upload_arn=pipeline.upload_arn,
        )
        Dashboard(self, "Dashboard", settings=settings, state_machine_arn=state_machine)
        if settings.schedule:
            schedule = Schedule(
                self, "Schedule", expression=settings.schedule, state_machine_arn=state_machine
            )
            schedule.node.add_dependency(pipeline)  # goes before what it starts
        if settings.log_retention_days:
            days = settings.log_retention_days
            LogRetention(self, "TrainingLog", group=TRAINING_LOG, days=days)
            LogRetention(self, "ProcessingLog", group=PROCESSING_LOG, days=days)
            LogRetention(self, "TransformLog", group=TRANSFORM_LOG, days=days)
            LogRetention(self, "EndpointLog", group=endpoint_log(settings.endpoint_name), days=days)
        for name, value in {
            "BucketName": bucket.bucket_name,
            "StateMachineArn": state_machine,
            "StateMachineConsole": state_machine_url(self.region, state_machine),
            "EndpointName": serving.endpoint.attr_endpoint_name,
            "DashboardConsole": console_url(
                self.region,
                f"cloudwatch/home?region={self.region}#dashboards/dashboard/"
                f"{dashboard_name(settings, self.region)}",
            ),
            "ServedModelParameter": serving.served.parameter_name,
        }.items():
            cdk.CfnOutput(self, name, value=value)
        if settings.alarm_email:
            cdk.CfnOutput(
                self,
                "AlarmEmail",
                value="Confirm the subscription in the mail that AWS has sent to "
                f"{settings.alarm_email}: nothing else arrives before.",
            )
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                "AWSLambdaBasicExecutionRole]",
                reason="The CDK's own function, which makes the deploy-time calls, may write its "
                "log: that is all of AWSLambdaBasicExecutionRole.",
            )
        )
