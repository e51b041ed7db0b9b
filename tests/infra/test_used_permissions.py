"""Every granted action is used by a state, a deploy-time call, or on a list that says why not."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.reading import of_type, plain
from tests.infra.test_permissions import granted

EVENTS = ("Create", "Update", "Delete")
IAM_NAMES = {"sfn": "states", "sagemakerruntime": "sagemaker", "CloudWatchLogs": "logs"}
WITH_A_JOB = {
    "iam:PassRole": "the job runs under the execution role",
    "sagemaker:AddTags": "jobs, models and configs carry tags",
    "sagemaker:DescribeTrainingJob": ".sync waits for the job's end",
    "sagemaker:StopTrainingJob": ".sync stops the job when the execution is stopped",
    "events:PutTargets": ".sync is told of the job's end by a rule that Step Functions manages",
    "events:PutRule": "the same rule",
    "events:DescribeRule": "the same rule",
}
NO_STATE_S = {
    "sagemaker:ListTags": "Step Functions looks at a job's tags to see that they are its own",
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
OF_JOBS = {
    **OF_THE_ENDPOINT,
    "s3:GetObject": "channels, training source, checkpoints, served model",
    "s3:ListBucket": "channels are prefixes",
    "s3:PutObject": "model.tar.gz, output.tar.gz, checkpoints",
    "s3:AbortMultipartUpload": "an upload of a large file that breaks off",
    "s3:DeleteObject": "SageMaker mirrors the job's folder of checkpoints",
}


def tasks(states: dict[str, Any]) -> Iterator[str]:
    for state in states.values():
        if state["Type"] == "Task":
            yield state["Resource"]
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"]["States"])


def needed(resource: str) -> set[str]:
    """The IAM actions of `arn:aws:states:::aws-sdk:ssm:getParameter` and its like."""
    service, call = resource.removesuffix(".sync").split(":")[-2:]
    action = f"{IAM_NAMES.get(service, service)}:{call[0].upper()}{call[1:]}"
    if action == "s3:ListObjectsV2":
        return {"s3:ListBucket"}
    return {action, *(WITH_A_JOB if resource.endswith(".sync") else ())}


def test_the_state_machine_is_granted_what_its_states_call_and_what_the_list_explains(
    template: dict[str, Any], definition: dict[str, Any]
) -> None:
    used = set().union(*(needed(resource) for resource in tasks(definition["States"])))
    assert set(granted(template, "PipelineRole")) == used | set(NO_STATE_S)
    assert not used & set(NO_STATE_S)


def test_jobs_and_endpoint_are_granted_what_the_list_explains(template: dict[str, Any]) -> None:
    assert set(granted(template, "ExecutionRole")) == set(OF_JOBS)
    assert set(granted(template, "EndpointRole")) == set(OF_THE_ENDPOINT)


def test_deploy_time_calls_are_granted_what_they_call(variant: dict[str, Any]) -> None:
    for name, custom in of_type(variant, "Custom::AWS").items():
        calls = (json.loads(plain(custom[event])) for event in custom if event in EVENTS)
        used = {
            f"{IAM_NAMES.get(call['service'], call['service'].lower())}:{call['action']}"
            for call in calls
        }
        if used == {"s3:CopyObject"}:
            used = {"s3:GetObject", "s3:PutObject"}
        policy = re.sub(r"[0-9A-F]{8}$", "", name)
        keys = {"kms:Decrypt", "kms:GenerateDataKey"}
        assert set(granted(variant, policy)) - keys == used, name
