"""Every granted action is used by a state, a deploy-time call, or on a list that says why not."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.policies import granted, statements
from tests.infra.reading import calls_of, definitions_of

IAM_NAMES = {
    "sfn": "states",
    "stepfunctions": "states",
    "sagemakerruntime": "sagemaker",
    "cloudwatchlogs": "logs",
}
S3 = {
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
}
BY_A_RULE = {
    "events:PutTargets": "Step Functions is told of the end by a rule that it manages",
    "events:PutRule": "the same rule",
    "events:DescribeRule": "the same rule",
}
BEYOND_THE_CALL = {
    "sagemaker:createTrainingJob.sync": {
        **BY_A_RULE,
        "iam:PassRole": "the job runs under a role",
        "sagemaker:AddTags": "it carries tags",
        "sagemaker:DescribeTrainingJob": ".sync waits for the job's end",
        "sagemaker:StopTrainingJob": ".sync stops the job when the execution is stopped",
        "sagemaker:ListTags": "Step Functions sees by a job's tags that it is its own",
    },
    "sagemaker:createProcessingJob.sync": {
        **BY_A_RULE,
        "iam:PassRole": "the job runs under a role",
        "sagemaker:AddTags": "it carries tags",
        "sagemaker:DescribeProcessingJob": ".sync waits for the job's end",
        "sagemaker:StopProcessingJob": ".sync stops the job when the execution is stopped",
        "sagemaker:ListTags": "Step Functions sees by a job's tags that it is its own",
    },
    "sagemaker:createTransformJob.sync": {
        **BY_A_RULE,
        "sagemaker:AddTags": "it carries tags",
        "sagemaker:DescribeTransformJob": ".sync waits for the job's end",
        "sagemaker:StopTransformJob": ".sync stops the job when the execution is stopped",
        "sagemaker:ListTags": "Step Functions sees by a job's tags that it is its own",
    },
    "sagemaker:createModel": {
        "iam:PassRole": "an endpoint and a transform job run under the role of their model",
        "sagemaker:AddTags": "it carries tags",
    },
    "sagemaker:createEndpointConfig": {"sagemaker:AddTags": "it carries tags"},
    "scheduler:createSchedule": {"iam:PassRole": "the schedule starts something under a role"},
    "scheduler:updateSchedule": {"iam:PassRole": "it may be another role then"},
    "states:startExecution.sync:2": {
        **BY_A_RULE,
        "states:DescribeExecution": ".sync:2 waits for the execution's end",
        "states:StopExecution": ".sync:2 stops it when its caller is stopped",
    },
}
NO_STATE_S = {
    "logs:CreateLogDelivery": "execution logs",
    "logs:GetLogDelivery": "execution logs",
    "logs:UpdateLogDelivery": "execution logs",
    "logs:DeleteLogDelivery": "execution logs",
    "logs:ListLogDeliveries": "execution logs",
    "logs:PutResourcePolicy": "execution logs",
    "logs:DescribeResourcePolicies": "execution logs",
    "logs:DescribeLogGroups": "execution logs",
    "xray:PutTraceSegments": "traces",
    "xray:PutTelemetryRecords": "traces",
    "xray:GetSamplingRules": "traces",
    "xray:GetSamplingTargets": "traces",
}
OF_THE_ENDPOINT = {
    "s3:GetObject": "the served model",
    "s3:ListBucket": "says which file is missing, if one is",
    "logs:CreateLogGroup": "the first start",
    "logs:CreateLogStream": "every start",
    "logs:DescribeLogStreams": "SageMaker looks for its stream before it writes",
    "logs:PutLogEvents": "what the program prints",
    "ecr:GetAuthorizationToken": "pulling the image",
    "ecr:BatchCheckLayerAvailability": "pulling the image",
    "ecr:BatchGetImage": "pulling the image",
    "ecr:GetDownloadUrlForLayer": "pulling the image",
    "cloudwatch:PutMetricData": "what the program prints as metrics, and the instances' load",
}
OF_TRANSFORMS = {
    **OF_THE_ENDPOINT,
    "s3:PutObject": "archives of sounds, models and their outputs",
    "s3:AbortMultipartUpload": "an upload of a large file that breaks off",
}
OF_JOBS = {
    **OF_TRANSFORMS,
    "s3:GetObject": "channels, training source, checkpoints, served model",
    "s3:ListBucket": "channels are prefixes",
    "s3:PutObject": "model.tar.gz, output.tar.gz, checkpoints",
    "s3:DeleteObject": "SageMaker mirrors the job's folder of checkpoints",
}


OF_PREPARATION = {
    **OF_THE_ENDPOINT,
    "s3:GetObject": "sounds, training source, what was prepared before",
    "s3:ListBucket": "the folder is compared with what was prepared of it",
    "s3:PutObject": "shards and manifest",
    "s3:AbortMultipartUpload": "an upload of a large file that breaks off",
}


# whose only call is told in the tests of their permissions: who starts a state machine
STARTERS = (
    "PipelineChangesRepairRole",
    "PipelineUploadRuleRole",
    "PipelineUploadScheduleRole",
    "ScheduleRole",
)
# by the names of the state machines, without the stack's
ROLES = {
    "": "PipelineMachineRole",
    "--endpoint": "PipelineChangesMachineRole",
    "--preparation": "PipelinePreparationMachineRole",
    "--generation": "PipelineGenerationMachineRole",
    "--deployment": "DeploymentMachineRole",
    "--removal": "PipelineRemovalMachineRole",
    "--upload": "PipelineUploadMachineRole",
}


def tasks(states: dict[str, Any]) -> Iterator[str]:
    """The resources of all Task states, of those in blocks and loops as well."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state["Resource"]
        for part in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from tasks(part["States"])


def needed(service: str, call: str) -> set[str]:
    """The IAM actions of a call, as an SDK names service and action."""
    action = f"{IAM_NAMES.get(service.lower(), service.lower())}:{call[0].upper()}{call[1:]}"
    return S3.get(action, {action})


def needed_by_task(resource: str) -> set[str]:
    """The IAM actions of `arn:aws:states:::aws-sdk:ssm:getParameter` and its like."""
    integration = resource.split(":::", 1)[1].removeprefix("aws-sdk:")
    service, _, call = integration.partition(":")
    return needed(service, call.partition(".")[0]) | set(BEYOND_THE_CALL.get(integration, ()))


def test_every_state_machine_is_granted_what_its_states_call_and_what_the_list_explains(
    variant: dict[str, Any],
) -> None:
    definitions = definitions_of(variant)
    stack = min(definitions, key=len)
    assert {name.removeprefix(stack) for name in definitions} <= set(ROLES)
    for name, definition in definitions.items():
        used = set().union(*map(needed_by_task, tasks(definition["States"])))
        assert not used & set(NO_STATE_S)
        of_role = set(granted(variant, ROLES[name.removeprefix(stack)]))
        keys = {action for action in of_role if action.startswith("kms:")}
        assert of_role - keys == used | set(NO_STATE_S), name
        assert not keys or used & {"s3:GetObject", "s3:PutObject"}, name


def test_every_state_machine_is_in_some_variant(everything: dict[str, Any]) -> None:
    definitions = definitions_of(everything)
    assert {name.removeprefix("birds") for name in definitions} == set(ROLES)


def test_tasks_are_found_wherever_they_are() -> None:
    inner = {"States": {"B": {"Type": "Task", "Resource": "b"}}}
    states = {
        "A": {"Type": "Parallel", "Branches": [inner, {"States": {"C": {"Type": "Wait"}}}]},
        "D": {"Type": "Map", "ItemProcessor": {"States": {"E": {"Type": "Task", "Resource": "e"}}}},
    }
    assert list(tasks(states)) == ["b", "e"]


def test_jobs_and_endpoint_are_granted_what_the_list_explains(template: dict[str, Any]) -> None:
    assert set(granted(template, "ExecutionRole")) == set(OF_JOBS)
    assert set(granted(template, "PreparationRole")) == set(OF_PREPARATION)
    assert set(granted(template, "TransformRole")) == set(OF_TRANSFORMS)
    assert set(granted(template, "EndpointRole")) == set(OF_THE_ENDPOINT)


def test_deploy_time_calls_are_granted_what_they_call(variant: dict[str, Any]) -> None:
    used: dict[str, set[str]] = {}
    for name, _, call in calls_of(variant):
        used.setdefault(name, set()).update(needed(call["service"], call["action"]))
    assert used
    keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    for name, actions in used.items():
        policy = re.sub(r"[0-9A-F]{8}$", "", name)
        assert set(granted(variant, policy)) - keys == actions, name


def test_every_policy_belongs_to_somebody_whom_these_tests_know(variant: dict[str, Any]) -> None:
    calls = {re.sub(r"[0-9A-F]{8}$", "", name) for name, _, _ in calls_of(variant)}
    jobs = ("ExecutionRole", "PreparationRole", "TransformRole")
    known = {*ROLES.values(), *STARTERS, *jobs, "EndpointRole", *calls}
    for who, _ in statements(variant):
        assert any(who.startswith(beginning) for beginning in known), who
