"""The state machine through which every execution changes the endpoint, and the rule that repairs.

Step Functions tells EventBridge when an execution has ended. One that was stopped or timed out, or
that Step Functions itself ended (its errors begin `States.`), may have left the endpoint with a
model that nobody approved.
"""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from constructs import Construct

from infra.permissions import allow
from infra.pipeline.generation import BATCH_MODEL_SUFFIX
from infra.pipeline.machine import Machine
from infra.pipeline.patience import looks_within
from infra.pipeline.run_name import run_name_values
from infra.serving.endpoint import ServedEndpoint
from infra.settings import Settings
from infra.starter_role import StarterRole


class EndpointChanges(Construct):
    """The state machine `<name>--endpoint`; its `longest` are seconds."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        serving: ServedEndpoint,
        turn: dynamodb.ITable,
        caller: Machine,
    ) -> None:
        super().__init__(scope, construct_id)
        minutes = settings.endpoint_update_minutes
        self.longest_change = (3 * minutes + 10) * 60  # at rest, updated, and brought back
        # longer than a promotion may take that fails and is undone, so that whoever waited this
        # long for another execution knows that it hangs
        most_waits = 4 * minutes  # of a minute each, but for the first ones
        self.longest_turn = self.longest_change + most_waits * 60
        self.machine = Machine(self, "Machine", name=f"{settings.name}--endpoint")
        self._grant(serving, turn, caller, settings)
        stack = cdk.Stack.of(self)
        values: dict[str, Any] = {
            **run_name_values(settings.name),
            "Partition": stack.partition,
            "TurnTable": turn.table_name,
            "ServedModelParameter": serving.served.parameter_name,
            "CloudFormationStack": stack.stack_name,
            "EndpointName": settings.endpoint_name,
            "EndpointUpdateMinutes": minutes,
            "MostLooks": looks_within(minutes, first=2, step=1),
            "MostWaits": most_waits,
            "LongestTurnSeconds": self.longest_turn,
            "BatchModelSuffix": BATCH_MODEL_SUFFIX,
        }
        self.state_machine = self.machine.define("endpoint", values)
        self._repair_after(caller)

    def _grant(
        self, serving: ServedEndpoint, turn: dynamodb.ITable, caller: Machine, settings: Settings
    ) -> None:
        role = self.machine.role
        allow(role, ["dynamodb:GetItem", "dynamodb:UpdateItem"], [turn.table_arn])
        allow(
            role,
            ["states:DescribeExecution"],
            [caller.executions_arn, self.machine.executions_arn],
            why="Any other execution may be the one that is promoting.",
        )
        allow(role, ["ssm:GetParameter"], [serving.served.parameter_arn])
        stack = cdk.Stack.of(self)
        allow(
            role,
            ["cloudformation:DescribeStacks"],
            [
                stack.format_arn(
                    service="cloudformation",
                    resource="stack",
                    resource_name=f"{stack.stack_name}/*",
                )
            ],
            why="A stack's ARN ends with an id that is made with it.",
        )
        # by reference: a deployment that makes another endpoint takes away the right to the former
        # one only when that is there, and so when no promotion is at it
        endpoint, name = serving.endpoint.ref, settings.name
        config = self.machine.arn_of("sagemaker", "endpoint-config", f"{name}--*")
        allow(role, ["sagemaker:DescribeEndpoint"], [endpoint])
        allow(
            role,
            # the deployed config too: a promotion that fails brings it back
            ["sagemaker:UpdateEndpoint"],
            [endpoint, config, serving.config_arn],
            why="Every promotion makes a config with a name of its own, which begins with the "
            "stack's.",
        )
        allow(role, ["sagemaker:DescribeEndpointConfig"], [config, serving.config_arn])
        # what promotions made, and is of no use any more
        allow(role, ["sagemaker:DeleteEndpointConfig"], [config])
        allow(
            role,
            ["sagemaker:DeleteModel"],
            [self.machine.arn_of("sagemaker", "model", f"{name}--*")],
            why="A model's name begins so, too.",
        )
        allow(role, ["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"], ["*"])

    def _repair_after(self, caller: Machine) -> None:
        role = StarterRole(
            self,
            "RepairRole",
            service="events.amazonaws.com",
            state_machine_arn=self.machine.arn,
            description="Starts the repair of the endpoint",
        )
        self.repair = events.CfnRule(
            self,
            "Repair",
            description="An execution was stopped: what it left half-way is brought back",
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [caller.arn],
                    "$or": [
                        {"status": ["ABORTED", "TIMED_OUT"]},
                        {"status": ["FAILED"], "error": [{"prefix": "States."}]},
                    ],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Endpoint",
                    arn=self.state_machine.state_machine_arn,
                    role_arn=role.role_arn,
                    input=json.dumps({"operation": "repair"}),
                )
            ],
        )
        self.repair.node.add_dependency(role)
