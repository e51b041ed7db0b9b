"""Who may do what: every statement of every policy in the template."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.reading import ACCOUNT, of_type, plain
from tests.infra.variants import KEY, REGION, VOLUME_KEY

# what IAM knows no resource for, or AWS asks to be granted on all of them
STAR = {
    "ecr:GetAuthorizationToken": "a login to the registry, before any repository is named",
    "cloudwatch:PutMetricData": "metrics are no resources; a condition holds it to namespaces",
    "sagemaker:ListModels": "a list is of the whole account",
    "sagemaker:ListEndpointConfigs": "a list is of the whole account",
    "logs:CreateLogDelivery": "the log delivery does not exist before it is created",
    "logs:GetLogDelivery": "log deliveries have no ARN",
    "logs:UpdateLogDelivery": "log deliveries have no ARN",
    "logs:DeleteLogDelivery": "log deliveries have no ARN",
    "logs:ListLogDeliveries": "log deliveries have no ARN",
    "logs:PutResourcePolicy": "the account's log policies have no ARN",
    "logs:DescribeResourcePolicies": "the account's log policies have no ARN",
    "logs:DescribeLogGroups": "Step Functions lists groups before it delivers to one",
    "xray:PutTraceSegments": "traces are no resources",
    "xray:PutTelemetryRecords": "traces are no resources",
    "xray:GetSamplingRules": "sampling rules are read for the whole account",
    "xray:GetSamplingTargets": "sampling rules are read for the whole account",
    "ec2:DescribeDhcpOptions": "EC2 describes on everything or not at all",
    "ec2:DescribeNetworkInterfaces": "EC2 describes on everything or not at all",
    "ec2:DescribeSecurityGroups": "EC2 describes on everything or not at all",
    "ec2:DescribeSubnets": "EC2 describes on everything or not at all",
    "ec2:DescribeVpcs": "EC2 describes on everything or not at all",
}
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": "the deploy-time Lambda "
    "writes its log"
}


def statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(who, statement) for every Allow that a role of this template carries."""
    for name, policy in of_type(template, "AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, plain(statement)
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, plain(statement)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(template: dict[str, Any], role: str) -> dict[str, tuple[set[str], Any]]:
    """Action -> (resources, conditions) of the role whose logical id begins with `role`."""
    actions: dict[str, tuple[set[str], Any]] = {}
    for name, statement in statements(template):
        if name.startswith(role):
            for action in listed(statement["Action"]):
                resources, condition = (
                    set(listed(statement["Resource"])),
                    statement.get("Condition"),
                )
                before = actions.get(action, (set(), condition))
                assert before[1] == condition, f"{action} is granted twice, differently"
                actions[action] = (before[0] | resources, condition)
    return actions


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
    reads = ("audio", "spectrograms", "code", "models", "checkpoints")
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
    assert writers
    assert all(who.startswith(("ServingStarterCopy", "Pipeline")) for who in writers)


def test_keys_and_a_network_of_ones_own_are_granted_to_the_jobs_that_use_them(
    everything: dict[str, Any],
) -> None:
    jobs, endpoint = granted(everything, "ExecutionRole"), granted(everything, "EndpointRole")
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
    (machine,) = of_type(everything, "AWS::StepFunctions::StateMachine")
    assert granted(everything, "ScheduleRole") == {
        "states:StartExecution": ({f"<{machine}>"}, None)
    }


def test_the_state_machine_may_do_what_its_states_do_and_no_more(
    template: dict[str, Any], bucket: str
) -> None:
    sagemaker = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
    job, model = f"{sagemaker}:training-job/sound-vae--*", f"{sagemaker}:model/sound-vae--*"
    config, endpoint = (
        f"{sagemaker}:endpoint-config/sound-vae--*",
        f"{sagemaker}:endpoint/sound-vae",
    )
    rule = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
    events = {f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{rule}"}
    (deployed,) = of_type(template, "AWS::SageMaker::EndpointConfig")
    parameters = {
        f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/sound-vae/{name}"
        for name in ("served-model", "promotion")
    }
    (role,) = (name for name in of_type(template, "AWS::IAM::Role") if name.startswith("Execution"))
    allowed = {
        action: what
        for action, what in granted(template, "PipelineRole").items()
        if action not in STAR
    }
    assert {action: resources for action, (resources, _) in allowed.items()} == {
        "s3:ListBucket": {bucket},
        "iam:PassRole": {f"<{role}.Arn>"},
        "sagemaker:CreateTrainingJob": {job},
        "sagemaker:DescribeTrainingJob": {job},
        "sagemaker:StopTrainingJob": {job},
        "sagemaker:ListTags": {job},
        "sagemaker:AddTags": {job, model, config},
        "events:PutTargets": events,
        "events:PutRule": events,
        "events:DescribeRule": events,
        "sagemaker:CreateModel": {model},
        "sagemaker:CreateEndpointConfig": {config},
        "sagemaker:UpdateEndpoint": {endpoint, config, f"<{deployed}>"},
        "sagemaker:DescribeEndpoint": {endpoint},
        "sagemaker:InvokeEndpoint": {endpoint},
        "sagemaker:DeleteModel": {model},
        "sagemaker:DeleteEndpointConfig": {config},
        "ssm:GetParameter": parameters,
        "ssm:PutParameter": parameters,
        "states:DescribeExecution": {f"arn:aws:states:us-east-1:{ACCOUNT}:execution:sound-vae:*"},
    }
    assert allowed["iam:PassRole"][1] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    assert allowed["s3:ListBucket"][1] == {
        "StringLike": {"s3:prefix": ["audio/*", "spectrograms/*", "models/*", "output/*"]}
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
        "lambda.amazonaws.com",
        "scheduler.amazonaws.com",
    }
