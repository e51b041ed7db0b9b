"""A training job's network: a VPC whose interfaces the role may make, or none at all."""

from botocore.exceptions import ClientError
from moto.iam.access_control import PermissionResult
from moto.sagemaker.exceptions import ValidationError

from local import iam
from local.aws import client_as
from local.policies import decide
from local.sagemaker import SERVICE

REQUIRED = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
"""What the execution role of a job in a VPC must be allowed, by SageMaker's guide to roles."""

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens on port 9, so an isolated job's connections are refused at once."""


def require(config: dict[str, list[str]], role_arn: str, region: str) -> None:
    """Raise a ValidationException unless the role may use the VPC's subnets and groups."""
    statements, name = iam.statements_of(role_arn), role_arn.rpartition("/")[2]
    missing = []
    for action in REQUIRED:
        call = iam.Call(name, action, "*")
        if decide(statements, action, "*", {}) is PermissionResult.PERMITTED:
            iam.ALLOWED.add(call)
        else:
            iam.DENIED.append(call)
            missing.append(action)
    if missing:
        raise ValidationError(
            message=f"The execution role {role_arn} does not have the permissions that a VPC "
            f"needs: {', '.join(missing)}"
        )
    try:
        ec2 = client_as(role_arn, SERVICE, "ec2", region)
        ec2.describe_subnets(SubnetIds=config["Subnets"])
        ec2.describe_security_groups(GroupIds=config["SecurityGroupIds"])
    except ClientError as error:
        raise ValidationError(message=error.response["Error"]["Message"]) from error


def isolated(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a container without network or credentials."""
    kept = {k: v for k, v in environment.items() if not k.startswith("AWS_") or "REGION" in k}
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return (
        kept
        | dict.fromkeys(proxies, NOWHERE)
        | {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": NOWHERE,
            "S3_ENDPOINT_URL": NOWHERE,
            "PIP_NO_INDEX": "1",
        }
    )
