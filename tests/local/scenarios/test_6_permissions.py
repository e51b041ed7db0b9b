"""Policies are enforced, those of a KMS key too, and grant nothing that no scenario uses."""

import json
import re
import time
from pathlib import Path

import pytest

from local import iam
from tests.local.deployment import Client, Deployed, deploy, settled, why
from tests.local.scenarios.assemblies import KEY, STACK
from tests.local.scenarios.ordering import order, wait_for_training
from tests.local.scenarios.permissions import Grants, role_of
from tests.local.tones import upload

JOBS, CALLERS = "(Execution|Preparation)Role.*", "Pipeline(Preparation|Generation)?MachineRole.*"
# role and action, as regular expressions
NOT_USED_HERE = {
    "EndpointRole.* cloudwatch:PutMetricData": "SageMaker writes figures; the stand-in keeps them",
    "EndpointRole.* ecr:": "there are no images to pull",
    "EndpointRole.* logs:DescribeLogStreams": "the serving image looks for its stream",
    "EndpointRole.* s3:ListBucket": "SageMaker asks for it where it reads an archive, S3 does not",
    f"{JOBS} cloudwatch:PutMetricData": "SageMaker writes figures; the stand-in keeps them",
    f"{JOBS} ecr:": "there are no images to pull",
    f"{JOBS} kms:Encrypt": "SageMaker asks for it where results have a key, S3 does not",
    f"{JOBS} logs:DescribeLogStreams": "the training image looks for its stream",
    f"{JOBS} s3:AbortMultipartUpload": "only an upload that breaks off needs it",
    f"{CALLERS} events:": "Step Functions learns from rules that a job or an execution ended; here "
    "it asks",
    "(Pipeline|Deployment).*Role.* logs:": "Step Functions writes its own log",
    "PipelineRemovalMachineRole.* sagemaker:StopTransformJob": "what started a job has stopped it "
    "when it was stopped itself",
    f"{CALLERS} sagemaker:ListTags": "Step Functions asks for a job's tags; here it need not",
    "(Pipeline|Deployment).*Role.* xray:": "Step Functions sends its own traces",
    "TransformRole.* cloudwatch:PutMetricData": "SageMaker writes figures; the stand-in keeps them",
    "TransformRole.* ecr:": "there are no images to pull",
    "TransformRole.* kms:Encrypt": "SageMaker asks for it where results have a key, S3 does not",
    "TransformRole.* logs:DescribeLogStreams": "the serving image looks for its stream",
    "TransformRole.* s3:AbortMultipartUpload": "only an upload that breaks off needs it",
    "TransformRole.* s3:ListBucket": "only a folder as input needs it; jobs get a list of files",
    "AWS679.* kms:Decrypt": "only a copy of several parts reads what it wrote",
}


@pytest.mark.parametrize(
    ("kind", "action", "cause"),
    [
        ("PipelineMachineRole", "ssm:GetParameter", "not authorized to perform: ssm:GetParameter"),
        ("PipelineMachineRole", "sagemaker:CreateTrainingJob", "sagemaker:CreateTrainingJob"),
        ("PipelineMachineRole", "iam:PassRole", "not authorized to perform: iam:PassRole"),
        ("PipelineMachineRole", "states:StartExecution", "states:StartExecution"),
        ("PipelineChangesMachineRole", "dynamodb:UpdateItem", "dynamodb:UpdateItem"),
        ("PipelineChangesMachineRole", "sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpoint"),
        ("ExecutionRole", "s3:GetObject", "AccessDenied"),
        ("ExecutionRole", "s3:PutObject", "AccessDenied"),
    ],
)
def test_a_permission_that_is_taken_away_fails_the_execution_and_is_noticed(
    product: Deployed, kind: str, action: str, cause: str
) -> None:
    api, role = product.client("iam"), role_of(product, kind)
    deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    api.put_role_policy(RoleName=role, PolicyName="taken-away", PolicyDocument=document)
    try:
        assert cause in product.fail({})
    finally:
        api.delete_role_policy(RoleName=role, PolicyName="taken-away")
    assert {(call.role, call.action) for call in iam.DENIED} == {(role, action)}
    iam.DENIED.clear()


def test_with_a_kms_key_an_execution_trains_and_promotes(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    deploy(assemblies / "key", client, STACK)
    former = product.served_model()
    output = product.run({"promote": "always"})
    assert output["model"] == product.served_model() != former
    bucket, _, key = output["model"].removeprefix("s3://").partition("/")
    assert client("s3").head_object(Bucket=bucket, Key=key)["SSEKMSKeyId"] == KEY
    assert product.run({"generate": {"count": 1}})["sounds"] == 1
    upload(product, "audio/with-a-key/", ["low_1.wav", "high_1.wav"])
    # its job reads the served model, to compare with
    product.run({"promote": "never", "data": "audio/with-a-key/", "prepare": "always"})
    for kind in ("ExecutionRole", "PreparationRole"):
        job = role_of(product, kind)
        used = {call.action for call in iam.ALLOWED if (call.role, call.resource) == (job, KEY)}
        assert used == {"kms:Decrypt", "kms:GenerateDataKey"}, kind


def start_by_hand(client: Client, like: str) -> str:
    """Start a training job as the notebook does, with the stack's own role, image and code."""
    api = client("sagemaker")
    model = api.describe_training_job(TrainingJobName=like)
    wanted = api.meta.service_model.operation_model("CreateTrainingJob").input_shape.members
    name = f"{like}-by-hand"
    settings = {key: value for key, value in model.items() if key in wanted}
    api.create_training_job(**{**settings, "TrainingJobName": name})
    return name


def test_removing_the_stack_ends_what_runs_and_it_can_be_deployed_again_at_once(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    execution = product.start(order(product, "audio/slow/", epoch_seconds=600))
    job = wait_for_training(product, execution)
    by_hand = start_by_hand(client, like=job)  # no execution ends this one
    began = time.monotonic()
    client("cloudformation").delete_stack(StackName=STACK)
    status = settled(client, STACK)
    assert status == "", why(client, STACK)
    assert time.monotonic() - began < 300, "the jobs would have trained for twenty minutes"
    for name in (job, by_hand):
        found = client("sagemaker").describe_training_job(TrainingJobName=name)
        assert found["TrainingJobStatus"] in ("Stopping", "Stopped")
    deploy(assemblies / "key", client, STACK)
    again = Deployed(client, assemblies / "key", STACK)
    assert again.sound({}).getnframes() > 0
    assert again.run({"model": f"s3://{again.bucket}/models/starter/model.tar.gz"})["promoted"]


def test_removing_the_stack_leaves_no_endpoint_and_nothing_else_that_costs_money(
    product: Deployed, client: Client
) -> None:
    endpoint = product.endpoint
    client("cloudformation").delete_stack(StackName=STACK)
    assert settled(client, STACK) == ""
    endpoints = client("sagemaker").list_endpoints()["Endpoints"]
    assert endpoint not in {found["EndpointName"] for found in endpoints}
    buckets = client("s3").list_buckets()["Buckets"]
    assert product.bucket not in {bucket["Name"] for bucket in buckets}
    parameters = client("ssm").describe_parameters()["Parameters"]
    assert not [p["Name"] for p in parameters if p["Name"].startswith(f"/{product.name}/")]
    assert len(product.made()) <= 2, "free of charge: of the last two promotions, as docs say"


def test_every_granted_action_is_used_by_some_scenario_or_says_why_not(
    grants: Grants, request: pytest.FixtureRequest
) -> None:
    folder = request.path.parent
    written = sum(file.read_text().count("\ndef test_") for file in folder.glob("test_*.py"))
    run = {item.nodeid.partition("[")[0] for item in request.session.items}
    if sum(str(folder.relative_to(request.config.rootpath)) in name for name in run) < written:
        pytest.skip("needs the other scenarios to have run")
    unused = {f"{kind} {action}" for kind, action in grants.unused()}
    explained = {grant for grant in unused for why in NOT_USED_HERE if re.match(why, grant)}
    assert unused == explained
    needless = [why for why in NOT_USED_HERE if not any(re.match(why, grant) for grant in unused)]
    assert needless == []
