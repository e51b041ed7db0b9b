"""EventBridge Scheduler: fires a schedule; moto keeps schedules and never fires them."""

import datetime
import json
from typing import Any

from botocore import xform_name
from moto.scheduler.models import scheduler_backends

from local.aws import ACCOUNT, BOTO_NAMES, client_as
from local.states.sdk_shapes import to_request

SERVICE = "scheduler.amazonaws.com"
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"


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
    method = xform_name(action)
    model = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[method])
    return getattr(api, method)(**to_request(parameters, model.input_shape))
