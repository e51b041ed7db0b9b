"""The state machines together: what prepares, trains, changes the endpoint, starts and ends."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.pipeline import training_and_promotion
from infra.pipeline.endpoint_changes import EndpointChanges
from infra.pipeline.generation import Generation
from infra.pipeline.machine import Machine
from infra.pipeline.preparation import Preparation
from infra.pipeline.removal import Removal
from infra.pipeline.upload import Upload
from infra.serving.endpoint import ServedEndpoint
from infra.serving.images import Images
from infra.settings import Settings
from infra.storage.source_bundle import SourceBundle


class Pipeline(Construct):
    """Started by hand, by `aws stepfunctions start-execution`, or by whatever you connect to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        training_role: iam.IRole,
        preparation_role: iam.IRole,
        endpoint_role: iam.IRole,
        transform_role: iam.IRole,
        serving: ServedEndpoint,
        turn: dynamodb.ITable,
        source: SourceBundle,
        images: Images,
        settings: Settings,
        hyperparameters: Mapping[str, Mapping[str, Any]],
        metrics: Mapping[str, Any],
        preparation: Mapping[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        machine = Machine(self, "Machine", name=settings.name)
        changes = EndpointChanges(
            self, "Changes", settings=settings, serving=serving, turn=turn, caller=machine
        )
        shared: dict[str, Any] = {
            "bucket": bucket,
            "training_role": training_role,
            "endpoint_role": endpoint_role,
            "serving": serving,
            "turn": turn,
            "settings": settings,
        }
        prepares = Preparation(
            self,
            "Preparation",
            bucket=bucket,
            role=preparation_role,
            source=source,
            images=images,
            settings=settings,
            preparation=preparation,
        )
        training_and_promotion.grant(machine, **shared)
        values = training_and_promotion.values(
            stack,
            **shared,
            source=source,
            changes=changes,
            prepares=prepares,
            images=images,
            hyperparameters=hyperparameters,
            metrics=metrics,
        )
        generation = Generation(
            self,
            "Generation",
            bucket=bucket,
            role=transform_role,
            serving=serving,
            settings=settings,
            shared=values,
        )
        machine.may_call(changes.machine)
        machine.may_call(prepares.machine)
        machine.may_call(generation.machine)
        self.state_machine = machine.define(
            "train_and_promote", {**values, "GenerationMachineArn": generation.machine.arn}
        )
        called = (changes.state_machine, prepares.state_machine, generation.state_machine)
        # no execution may ask for what is not there yet
        self.state_machine.node.add_dependency(source, *called)
        machines = [machine, changes.machine, prepares.machine, generation.machine]
        removal = Removal(self, "Removal", machines=machines, settings=settings)
        removal.node.add_dependency(self.state_machine, *called)
        # goes first when the stack is removed, or the end of executions would start others
        changes.repair.node.add_dependency(removal)
        self.upload_arn = ""  # of the state machine, if there is one
        if settings.train_after_upload_minutes:
            upload = Upload(self, "Upload", bucket=bucket, trains=machine, settings=settings)
            upload.node.add_dependency(removal)  # goes first, too
            self.upload_arn = upload.machine.arn
