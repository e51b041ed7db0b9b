"""Permissions of a role; each wildcard has a sentence that justifies it, for cdk-nag to read."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct


def allow(
    role: iam.Role,
    actions: list[str],
    resources: list[str],
    conditions: dict | None = None,
    *,
    why: str = "",
) -> None:
    """Grant `role` these actions; a `*` among the resources needs a sentence that says `why`."""
    role.add_to_policy(
        iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
    )
    for resource in resources if why else []:
        justify(role, resource, why)


def justify(construct: Construct, resource: str, why: str) -> None:
    """Say why a policy of `construct` has a wildcard in `resource`, if it has one."""
    written = _written(cdk.Stack.of(construct).resolve(resource))
    if "*" in written:
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{written}]", reason=why)
        )


def allow_key(role: iam.Role, bucket: s3.IBucket, actions: list[str]) -> None:
    """Grant `role` the use of the bucket's KMS key, where it has one."""
    if bucket.encryption_key is not None:
        allow(role, actions, [bucket.encryption_key.key_arn])


def _written(value: Any) -> str:
    """Write out an ARN as cdk-nag does: `<DataBucket.Arn>/audio/*`."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_written(part) for part in parts)
    return str(value)
