"""Starts the state machine by the clock, with its defaults, if the settings say when."""

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.starter_role import StarterRole


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
        role = StarterRole(
            self,
            "Role",
            service="scheduler.amazonaws.com",
            state_machine_arn=state_machine_arn,
            description="Starts executions by the clock",
        )
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
