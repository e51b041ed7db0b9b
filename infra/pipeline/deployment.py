"""How a deployment takes its turn: it waits until no promotion changes the endpoint, then says so.

Before CloudFormation reads what is served, to make a Model of it, it calls an Express state machine
as often as here, which waits and then announces the deployment (deployment.asl.yaml). Last comes a
call that fails, and with it the deployment, if a promotion is at it even now: nothing has been
changed by then.

    the endpoint belongs to     from                        to
    a promotion                 `config` is noted           it is recorded, or undone
    a deployment                `deployment` is written     the stack is at rest

The calls are made when they are created, and only then. For a change of what is served they are
created anew, under other names: if the deployment fails, CloudFormation removes them again, and
calls nothing. Calls that are updated it would make once more in its rollback, which would then fail
as well.
"""

import hashlib
import json

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.deploy_time_call import DeployTimeCall, start_sync_execution
from infra.permissions import allow
from infra.pipeline.machine import Machine
from infra.settings import Settings

WAITS = 3  # executions one after the other, of five minutes at most
PAUSE_SECONDS = 5
MOST_PAUSES = 50  # in one execution


class Deployment(Construct):
    """The state machine `<name>--deployment`, and who calls it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, turn: dynamodb.ITable, settings: Settings
    ) -> None:
        super().__init__(scope, construct_id)
        self._turn = turn
        self.machine = Machine(self, "Machine", name=f"{settings.name}--deployment")
        allow(self.machine.role, ["dynamodb:UpdateItem"], [turn.table_arn])
        self._state_machine = self.machine.define(
            "deployment",
            {
                "Partition": cdk.Stack.of(self).partition,
                "TurnTable": turn.table_name,
                "PauseSeconds": PAUSE_SECONDS,
                "MostPauses": MOST_PAUSES,
            },
            express=True,
        )

    def has_its_turn(self, version: str) -> Construct:
        """Return what has to be there before anything of the endpoint is changed to `version`."""
        resolved = json.dumps(cdk.Stack.of(self).resolve(version), sort_keys=True)
        mark = hashlib.sha256(resolved.encode()).hexdigest()[:8]
        change = Construct(self, f"Of{mark}")
        last: Construct = self._state_machine
        for number in range(1, WAITS + 1):
            waiting = DeployTimeCall(
                change,
                f"Wait{number}",
                on_create=start_sync_execution(self.machine.arn, "executionArn", identity=mark),
                statements=[
                    iam.PolicyStatement(
                        actions=["states:StartSyncExecution"], resources=[self.machine.arn]
                    )
                ],
            )
            waiting.node.add_dependency(last)
            last = waiting
        announced = DeployTimeCall(
            change,
            "NoPromotionUnderWay",
            on_create=cr.AwsSdkCall(
                service="DynamoDB",
                action="UpdateItem",
                parameters={
                    "TableName": self._turn.table_name,
                    "Key": {"id": {"S": "promotion"}},
                    "UpdateExpression": "SET deployment = :me",
                    "ConditionExpression": "attribute_not_exists(config)",
                    "ExpressionAttributeValues": {
                        ":me": {"S": waiting.get_response_field("executionArn")}
                    },
                },
                physical_resource_id=cr.PhysicalResourceId.of(mark),
                output_paths=["Attributes"],  # nothing of the answer is needed
            ),
            statements=[
                iam.PolicyStatement(
                    actions=["dynamodb:UpdateItem"], resources=[self._turn.table_arn]
                )
            ],
        )
        announced.node.add_dependency(last)
        return announced
