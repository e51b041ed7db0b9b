"""Refuses to create a resource under a name that is taken, as CloudFormation does.

Many of the services' own calls would change what is there, and so does moto.
"""

from collections.abc import Callable, Collection
from typing import Any

from moto.cloudformation.exceptions import ValidationError as TemplateError
from moto.core.base_backend import BackendDict


def _backend(service: str, account: str, region: str) -> Any:
    from moto.backends import get_backend

    backends: BackendDict = get_backend(service)
    return backends[account][region if region in backends[account] else "aws"]


Names = Callable[[Any], Collection[str]]

KNOWN: dict[str, tuple[str, Names]] = {
    "AWS::CloudWatch::Alarm": ("cloudwatch", lambda api: api.alarms),
    "AWS::DynamoDB::Table": ("dynamodb", lambda api: api.tables),
    "AWS::Events::Rule": ("events", lambda api: api.event_buses["default"].rules),
    "AWS::IAM::ManagedPolicy": ("iam", lambda api: [p.name for p in api.managed_policies.values()]),
    "AWS::IAM::Role": ("iam", lambda api: [role.name for role in api.roles.values()]),
    "AWS::Lambda::Function": (
        "lambda",
        lambda api: [f.function_name for f in api.list_functions()],
    ),
    "AWS::Logs::LogGroup": ("logs", lambda api: api.groups),
    "AWS::S3::Bucket": ("s3", lambda api: api.buckets),
    "AWS::SSM::Parameter": ("ssm", lambda api: api._parameters),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", lambda api: api.schedule_groups),
    "AWS::StepFunctions::StateMachine": (
        "stepfunctions",
        lambda api: [machine.name for machine in api.state_machines],
    ),
}
"""Resource type -> service and, in moto's backend of it, the names that are taken."""


def refuse(resource_type: str, name: str, account: str, region: str) -> None:
    """Raise CloudFormation's AlreadyExists if a resource of this type has the name `name`."""
    if resource_type not in KNOWN:
        return  # creating it is what fails
    service, names = KNOWN[resource_type]
    if name in names(_backend(service, account, region)):
        raise TemplateError(
            message=f"Resource of type '{resource_type}' with identifier '{name}' already exists. "
            "(HandlerErrorCode: AlreadyExists)"
        )
