"""One state machine with its role and its log."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.permissions import allow, justify
from infra.pipeline.definition import definition


class Machine(Construct):
    """The state machine `name`; grant its `role` what its states need, then `define` it."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self._stack = cdk.Stack.of(self)
        self.arn = self._states_arn("stateMachine", name)
        self.executions_arn = self._states_arn("execution", f"{name}:*")
        self.role = iam.Role(
            self,
            "Role",
            description=f"State machine {name}",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self._stack.account}},
            ),
        )

    def define(
        self, file: str, values: dict[str, Any], *, express: bool = False
    ) -> sfn.StateMachine:
        """Make it from `file`.asl.yaml."""
        justify(self.role, "*", "Lists, traces and the delivery of logs know no resource.")
        return sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=self.name,
            state_machine_type=(
                sfn.StateMachineType.EXPRESS if express else sfn.StateMachineType.STANDARD
            ),
            definition_body=sfn.DefinitionBody.from_string(
                self._stack.to_json_string(definition(file, values))
            ),
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Log",
                    # under this prefix the group needs no room in the account's one resource policy
                    log_group_name=f"/aws/vendedlogs/states/{self.name}",
                    retention=logs.RetentionDays.THREE_MONTHS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )

    def may_call(self, other: "Machine") -> None:
        """Let it start `other`, wait for its end, and stop it when it is stopped itself."""
        allow(self.role, ["states:StartExecution"], [other.arn])
        allow(
            self.role,
            ["states:DescribeExecution", "states:StopExecution"],
            [other.executions_arn],
            why="Executions are named by Step Functions.",
        )
        # how Step Functions learns that the execution has ended
        allow(
            self.role,
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [self.arn_of("events", "rule", "StepFunctionsGetEventsForStepFunctionsExecutionRule")],
        )

    def arn_of(self, service: str, resource: str, name: str) -> str:
        """Write the ARN of a resource in this stack's region and account."""
        return self._stack.format_arn(service=service, resource=resource, resource_name=name)

    def _states_arn(self, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service="states",
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
