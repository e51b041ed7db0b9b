"""Reading the policies of a template: who may do what, on what, under which condition."""

from collections.abc import Iterator
from typing import Any

from tests.infra.reading import of_type, plain

# what IAM knows no resource for, or AWS asks to be granted on all of them
STAR = {
    "ecr:GetAuthorizationToken": "a login to the registry, before any repository is named",
    "cloudwatch:PutMetricData": "metrics are no resources; a condition holds it to namespaces",
    "sagemaker:ListModels": "a list is of the whole account",
    "sagemaker:ListEndpointConfigs": "a list is of the whole account",
    "sagemaker:ListTrainingJobs": "a list is of the whole account",
    "sagemaker:ListTransformJobs": "a list is of the whole account",
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
