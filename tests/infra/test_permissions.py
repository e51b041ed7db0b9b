"""Who may do what: every statement of every policy in the template."""

from typing import Any

import pytest

from tests.infra.policies import STAR, granted, listed, statements
from tests.infra.reading import ACCOUNT, machine_of, of_type, plain
from tests.infra.variants import KEY, REGION, VOLUME_KEY

MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": "the deploy-time Lambda "
    "writes its log"
}


@pytest.fixture(scope="session")
def bucket(template: dict[str, Any]) -> str:
    (name,) = of_type(template, "AWS::S3::Bucket")
    return f"<{name}.Arn>"


def test_nothing_is_granted_on_everything_but_what_has_no_resource(
    variant: dict[str, Any],
) -> None:
    for who, statement in statements(variant):
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{who} may do {action}"
            if "*" in listed(statement["Resource"]):
                assert action in STAR, f"{who} may do {action} on everything"


def test_the_list_of_exceptions_holds_nothing_that_is_not_needed(
    everything: dict[str, Any],
) -> None:
    used = {
        action
        for _, statement in statements(everything)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert used == set(STAR)


def test_managed_policies_are_only_the_listed_ones(variant: dict[str, Any]) -> None:
    for role in of_type(variant, "AWS::IAM::Role").values():
        assert set(plain(role.get("ManagedPolicyArns", []))) <= set(MANAGED)
    assert not of_type(variant, "AWS::IAM::ManagedPolicy")


def test_every_s3_permission_names_the_data_bucket_or_one_file_to_copy(
    variant: dict[str, Any],
) -> None:
    buckets = [f"<{name}.Arn>" for name in of_type(variant, "AWS::S3::Bucket")]
    (bucket,) = buckets or ["arn:aws:s3:::my-own-sounds"]
    seen = 0
    for who, statement in statements(variant):
        if not any(action.startswith("s3:") for action in listed(statement["Action"])):
            continue
        for resource in listed(statement["Resource"]):
            seen += 1
            if resource == bucket or resource.startswith(f"{bucket}/"):
                continue
            assert who.startswith(("ServingStarterCopy", "TrainingSourceCopy")), who
            assert statement["Action"] == "s3:GetObject"
            assets = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{REGION}/"
            assert resource.startswith(assets)
            assert "*" not in resource
    assert seen > 8


LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker"
IMAGES = "arn:aws:ecr:us-east-1:763104351884:repository/tensorflow"
NAMESPACES = {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}}
PULL = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
LOG = {
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
}


def objects(bucket: str, *folders: str) -> set[str]:
    return {f"{bucket}/{folder}/*" for folder in folders}


def listing(*folders: str) -> dict[str, Any]:
    return {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in folders]}}


def test_a_training_job_reads_its_folders_and_writes_only_results_and_checkpoints(
    template: dict[str, Any], bucket: str
) -> None:
    reads = ("audio", "spectrograms", "prepared", "code", "models", "output", "checkpoints")
    log = {f"{LOGS}/TrainingJobs", f"{LOGS}/TrainingJobs:*"}
    assert granted(template, "ExecutionRole") == {
        "s3:GetObject": (objects(bucket, *reads), None),
        "s3:ListBucket": ({bucket}, listing(*reads)),
        "s3:PutObject": (objects(bucket, "output", "checkpoints"), None),
        "s3:AbortMultipartUpload": (objects(bucket, "output", "checkpoints"), None),
        "s3:DeleteObject": (objects(bucket, "checkpoints"), None),
        **dict.fromkeys(LOG, (log, None)),
        **{action: ({f"{IMAGES}-training"}, None) for action in PULL},
        "ecr:GetAuthorizationToken": ({"*"}, None),
        "cloudwatch:PutMetricData": ({"*"}, NAMESPACES),
    }


def test_a_processing_job_reads_sounds_and_writes_only_what_it_prepares(
    template: dict[str, Any], bucket: str
) -> None:
    reads = ("audio", "code", "prepared")
    log = {f"{LOGS}/ProcessingJobs", f"{LOGS}/ProcessingJobs:*"}
    assert granted(template, "PreparationRole") == {
        "s3:GetObject": (objects(bucket, *reads), None),
        "s3:ListBucket": ({bucket}, listing(*reads)),
        "s3:PutObject": (objects(bucket, "prepared"), None),
        "s3:AbortMultipartUpload": (objects(bucket, "prepared"), None),
        **dict.fromkeys(LOG, (log, None)),
        **{action: ({f"{IMAGES}-training"}, None) for action in PULL},
        "ecr:GetAuthorizationToken": ({"*"}, None),
        "cloudwatch:PutMetricData": ({"*"}, NAMESPACES),
    }


def test_the_endpoint_reads_models_and_writes_nothing_but_its_log(
    template: dict[str, Any], bucket: str
) -> None:
    log = {f"{LOGS}/Endpoints/sound-vae", f"{LOGS}/Endpoints/sound-vae:*"}
    assert granted(template, "EndpointRole") == {
        "s3:GetObject": (objects(bucket, "models"), None),
        "s3:ListBucket": ({bucket}, listing("models")),
        **dict.fromkeys(LOG, (log, None)),
        **{action: ({f"{IMAGES}-inference"}, None) for action in PULL},
        "ecr:GetAuthorizationToken": ({"*"}, None),
        "cloudwatch:PutMetricData": ({"*"}, NAMESPACES),
    }


def test_a_transform_job_reads_models_and_requests_and_writes_only_sounds(
    template: dict[str, Any], bucket: str
) -> None:
    reads = ("models", "requests", "generated")
    log = {f"{LOGS}/TransformJobs", f"{LOGS}/TransformJobs:*"}
    assert granted(template, "TransformRole") == {
        "s3:GetObject": (objects(bucket, *reads), None),
        "s3:ListBucket": ({bucket}, listing(*reads)),
        "s3:PutObject": (objects(bucket, "generated"), None),
        "s3:AbortMultipartUpload": (objects(bucket, "generated"), None),
        **dict.fromkeys(LOG, (log, None)),
        **{action: ({f"{IMAGES}-inference"}, None) for action in PULL},
        "ecr:GetAuthorizationToken": ({"*"}, None),
        "cloudwatch:PutMetricData": ({"*"}, NAMESPACES),
    }


def test_only_the_state_machine_and_deploys_write_where_the_endpoint_reads(
    variant: dict[str, Any],
) -> None:
    writers = {
        who
        for who, statement in statements(variant)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if action in ("s3:PutObject", "s3:DeleteObject") and "/models/" in resource
    }
    assert len(writers) == 2
    for who in writers:
        assert who.startswith(("ServingStarterCopy", "PipelineMachineRole")), who


def test_keys_and_a_network_of_ones_own_are_granted_to_the_jobs_that_use_them(
    everything: dict[str, Any],
) -> None:
    jobs, endpoint = granted(everything, "ExecutionRole"), granted(everything, "EndpointRole")
    preparing = granted(everything, "PreparationRole")
    for action in filter(lambda action: action.startswith(("kms:", "ec2:")), jobs):
        assert preparing[action] == jobs[action], action
    ec2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    interfaces = f"{ec2}:network-interface/*"
    keys = {action: what for action, (what, _) in jobs.items() if action.startswith("kms:")}
    assert keys == {
        "kms:CreateGrant": {VOLUME_KEY},
        "kms:Decrypt": {KEY},
        "kms:Encrypt": {KEY},
        "kms:GenerateDataKey": {KEY},
    }
    assert endpoint["kms:Decrypt"] == ({KEY}, None)
    assert jobs["ec2:CreateNetworkInterface"] == (
        {interfaces, f"{ec2}:subnet/subnet-0a1b2c3d", f"{ec2}:security-group/sg-0a1b2c3d"},
        None,
    )
    for action in (
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
    ):
        assert jobs[action] == ({interfaces}, None)
    assert not any(action.startswith("ec2:") for action in endpoint)


def test_the_schedule_may_start_executions_and_nothing_else(everything: dict[str, Any]) -> None:
    machine, _ = machine_of(everything, "birds")
    assert granted(everything, "ScheduleRole") == {
        "states:StartExecution": ({f"<{machine}>"}, None)
    }


def test_services_assume_the_roles_for_this_account_only(everything: dict[str, Any]) -> None:
    services = set()
    for name, role in of_type(everything, "AWS::IAM::Role").items():
        (trust,) = plain(role["AssumeRolePolicyDocument"]["Statement"])
        services.add(trust["Principal"]["Service"])
        if trust["Principal"]["Service"] == "lambda.amazonaws.com":
            continue  # CDK's own; Lambda passes no source account when it assumes a function's role
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, name
    assert services == {
        "sagemaker.amazonaws.com",
        "states.amazonaws.com",
        "events.amazonaws.com",
        "lambda.amazonaws.com",
        "scheduler.amazonaws.com",
    }
