"""Starts the state machine by the clock, with its defaults, if the settings say when."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.permissions import allow


class Schedule(Construct):
    """`expression` is EventBridge Scheduler's: rate(7 days), or cron(...) in UTC."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expression: str,
        state_machine_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            description="Starts executions by the clock",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        allow(role, ["states:StartExecution"], [state_machine_arn])
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=state_machine_arn, role_arn=role.role_arn, input="{}"
            ),
        )
        schedule.node.add_dependency(role)
