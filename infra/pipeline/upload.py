"""An execution after uploads, when they have been quiet for as long as the settings say.

The bucket tells EventBridge of every upload, a rule calls an Express state machine, and that one
puts off a schedule. upload.asl.yaml says how.
"""

import json

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.permissions import allow
from infra.pipeline.machine import Machine
from infra.settings import Settings
from infra.starter_role import StarterRole
from infra.storage.folders import AUDIO, SPECTROGRAMS


class Upload(Construct):
    """The state machine `<name>--upload`, which starts `trains` by the schedule of the same name.

    The schedule is made by the first upload, in a group with which it goes when the stack does.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        trains: Machine,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        self.machine = Machine(self, "Machine", name=f"{settings.name}--upload")
        group = scheduler.CfnScheduleGroup(self, "Group", name=self.machine.name)
        schedule_role = self._starter("ScheduleRole", "scheduler.amazonaws.com")
        self._grant(trains, schedule_role)
        state_machine = self.machine.define(
            "upload",
            {
                "Partition": cdk.Stack.of(self).partition,
                "StateMachineArn": trains.arn,
                "QuietMilliseconds": settings.train_after_upload_minutes * 60_000,
                "ScheduleGroup": group.ref,
                "ScheduleName": self.machine.name,
                "UploadMachineArn": self.machine.arn,
                "ScheduleRoleArn": schedule_role.role_arn,
            },
            express=True,
        )
        state_machine.node.add_dependency(schedule_role)
        self._rule(bucket, self._starter("RuleRole", "events.amazonaws.com"))

    def _starter(self, construct_id: str, service: str) -> StarterRole:
        return StarterRole(
            self,
            construct_id,
            service=service,
            state_machine_arn=self.machine.arn,
            description=f"Starts {self.machine.name}",
        )

    def _grant(self, trains: Machine, schedule_role: iam.Role) -> None:
        role, name = self.machine.role, self.machine.name
        allow(
            role,
            ["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
            [self.machine.arn_of("scheduler", "schedule", f"{name}/{name}")],
        )
        allow(
            role,
            ["iam:PassRole"],
            [schedule_role.role_arn],
            {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )
        allow(role, ["states:ListExecutions", "states:StartExecution"], [trains.arn])

    def _rule(self, bucket: s3.IBucket, role: iam.Role) -> None:
        rule = events.CfnRule(
            self,
            "Rule",
            description="A sound was uploaded: training starts when no more have come for a while",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {
                        "key": [{"prefix": folder} for folder in (AUDIO, SPECTROGRAMS)],
                        # the console makes an empty object for an empty folder
                        "size": [{"numeric": [">", 0]}],
                    },
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Upload",
                    arn=self.machine.arn,
                    role_arn=role.role_arn,
                    input=json.dumps({"operation": "upload"}),
                )
            ],
        )
        rule.node.add_dependency(self.machine, role)
