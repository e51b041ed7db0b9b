"""EventBridge Scheduler: schedules that a template makes, and that a test fires.

moto keeps schedules, makes none of a template and fires none.
"""

import datetime
import json
from typing import Any

from moto.scheduler.models import scheduler_backends
from moto.stepfunctions.parser.utils import camel_to_snake_case

from local.aws import ACCOUNT, client_as
from local.resource_types import OWN, OwnResource, owners_client
from local.sdk_shapes import to_request

SERVICE = "scheduler.amazonaws.com"
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
BOTO_NAMES = {"sfn": "stepfunctions"}


class Schedule(OwnResource):
    """AWS::Scheduler::Schedule; its properties are the parameters of CreateSchedule."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any]) -> str:
        """Make or change the schedule."""
        name = properties.get("Name") or name.rpartition("|")[2]
        api = owners_client("scheduler")
        wanted = {**properties, "Name": name}
        try:
            api.create_schedule(**wanted)
        except api.exceptions.ConflictException:
            api.update_schedule(**wanted)
        return f"{properties.get('GroupName', 'default')}|{name}"

    @classmethod
    def remove(cls, physical_id: str) -> None:
        """Delete the schedule."""
        group, _, name = physical_id.rpartition("|")
        owners_client("scheduler").delete_schedule(Name=name, GroupName=group or "default")


def fire_schedule(name: str, group: str = "default", region: str = "us-east-1") -> Any:
    """Do now what a schedule does at its time, with its role; return the target's answer.

    Raises botocore's errors for what the role may not do, and `ValueError` if the schedule is
    disabled.
    """
    groups = scheduler_backends[ACCOUNT][region].schedule_groups
    schedule = groups[group].get_schedule(name)
    if schedule.state == "DISABLED":
        raise ValueError(f"The schedule {name} is {schedule.state}.")
    target = schedule.target
    now = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (target.get("Input") or "{}").replace("<aws.scheduler.scheduled-time>", now)
    text = text.replace("<aws.scheduler.schedule-arn>", schedule.arn)
    if target["Arn"].startswith(UNIVERSAL):
        service, _, action = target["Arn"].removeprefix(UNIVERSAL).partition(":")
        parameters = json.loads(text)
    elif ":stateMachine:" in target["Arn"]:
        service, action = "sfn", "startExecution"
        parameters = {"StateMachineArn": target["Arn"], "Input": text}
    else:
        raise ValueError(f"The local stand-in fires no schedule at {target['Arn']}.")
    api = client_as(target["RoleArn"], SERVICE, BOTO_NAMES.get(service, service), region)
    method = camel_to_snake_case(action)
    model = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[method])
    return getattr(api, method)(**to_request(parameters, model.input_shape))


def install() -> None:
    """Add the resource type."""
    OWN["AWS::Scheduler::Schedule"] = Schedule
