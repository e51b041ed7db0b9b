"""Who may do what: every statement of every policy in the template."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.reading import ACCOUNT, of_type, plain

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
    template: dict[str, Any],
) -> None:
    for who, statement in statements(template):
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{who} may do {action}"
            if "*" in listed(statement["Resource"]):
                assert action in STAR, f"{who} may do {action} on everything"


def test_the_list_of_exceptions_holds_nothing_that_is_not_needed(template: dict[str, Any]) -> None:
    used = {
        action
        for _, statement in statements(template)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert used == set(STAR)


def test_managed_policies_are_only_the_listed_ones(template: dict[str, Any]) -> None:
    for role in of_type(template, "AWS::IAM::Role").values():
        assert set(plain(role.get("ManagedPolicyArns", []))) <= set(MANAGED)
    assert not of_type(template, "AWS::IAM::ManagedPolicy")


def test_every_s3_permission_names_the_data_bucket_or_one_file_to_copy(
    template: dict[str, Any], bucket: str
) -> None:
    seen = 0
    for who, statement in statements(template):
        if not any(action.startswith("s3:") for action in listed(statement["Action"])):
            continue
        for resource in listed(statement["Resource"]):
            seen += 1
            if resource.startswith(bucket):
                continue
            assert who.startswith(("ServingStarterCopy", "TrainingSourceCopy")), who
            assert statement["Action"] == "s3:GetObject"
            assets = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-us-east-1/"
            assert resource.startswith(assets)
            assert "*" not in resource
    assert seen > 8


def test_the_execution_role_reads_and_writes_its_folders_alone(
    template: dict[str, Any], bucket: str
) -> None:
    allowed = granted(template, "ExecutionRole")
    folders = ["audio", "spectrograms", "code", "models", "output", "checkpoints"]
    assert allowed["s3:GetObject"] == ({f"{bucket}/{folder}/*" for folder in folders}, None)
    assert allowed["s3:PutObject"] == ({f"{bucket}/output/*", f"{bucket}/checkpoints/*"}, None)
    assert allowed["s3:DeleteObject"] == ({f"{bucket}/checkpoints/*"}, None)
    assert allowed["s3:ListBucket"] == (
        {bucket},
        {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in folders]}},
    )
    namespaces = {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}}
    assert allowed["cloudwatch:PutMetricData"] == ({"*"}, namespaces)
    logs = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker"
    assert allowed["logs:PutLogEvents"][0] == {
        f"{logs}/TrainingJobs",
        f"{logs}/TrainingJobs:*",
        f"{logs}/Endpoints/sound-vae",
        f"{logs}/Endpoints/sound-vae:*",
    }
    images = "arn:aws:ecr:us-east-1:763104351884:repository/tensorflow"
    assert allowed["ecr:BatchGetImage"][0] == {f"{images}-inference", f"{images}-training"}
    assert {action.split(":")[0] for action in allowed} == {"s3", "logs", "ecr", "cloudwatch"}


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


def test_services_assume_the_roles_for_this_account_only(template: dict[str, Any]) -> None:
    services = set()
    for name, role in of_type(template, "AWS::IAM::Role").items():
        (trust,) = plain(role["AssumeRolePolicyDocument"]["Statement"])
        services.add(trust["Principal"]["Service"])
        if trust["Principal"]["Service"] == "lambda.amazonaws.com":
            continue  # CDK's own; Lambda passes no source account when it assumes a function's role
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, name
    assert services == {"sagemaker.amazonaws.com", "states.amazonaws.com", "lambda.amazonaws.com"}
