"""Wildcards in permissions, each with the sentence that justifies it, for cdk-nag to read."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct


def acknowledge_wildcards(role: Construct, resources: list[str], why: str) -> None:
    """Say why `role` is granted something on those of the `resources` that hold a `*`."""
    for resource in resources:
        written = _written(cdk.Stack.of(role).resolve(resource))
        if "*" in written:
            cdk.Validations.of(role).acknowledge(
                cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{written}]", reason=why)
            )


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
