"""The CDK's AwsCustomResource: one SDK call at create, update or delete.

On AWS a shared Lambda function makes the call. Here the call is made in this process, with a
session of that function's role, so that the policy which the template grants is what decides.
"""

import json
import re
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.utils import get_backend

from local.aws import client_as

BOTO3_NAMES = {"cloudwatchlogs": "logs"}


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Return nested data as `{"Parameter.Value": …}`: the attributes for Fn::GetAtt."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = dict(enumerate(value)).items()
    else:
        return {path: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat |= flatten(item, f"{path}.{key}" if path else str(key))
    return flat


def make_call(
    properties: dict[str, Any], event: str, account: str, region: str
) -> tuple[str | None, dict[str, Any]]:
    """Make the call of Create, Update or Delete; return (physical id or None, attributes)."""
    if not properties.get(event):
        return None, {}
    call = json.loads(properties[event])
    role = get_backend(account, region).get_function(properties["ServiceToken"]).role
    api = call["service"].removeprefix("@aws-sdk/client-").lower()
    api = BOTO3_NAMES.get(api, api)
    operation = call["action"].removesuffix("Command")
    method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
    client = client_as(role, "lambda.amazonaws.com", api, call.get("region", region))
    try:
        response = getattr(client, method)(**call.get("parameters", {}))
    except ClientError as error:
        ignored = call.get("ignoreErrorCodesMatching")
        if not ignored or not re.search(ignored, error.response["Error"]["Code"]):
            raise
        response = {}
    response.pop("ResponseMetadata", None)
    attributes = flatten(response)
    identity = call.get("physicalResourceId", {})
    return identity.get("id") or attributes.get(identity.get("responsePath")), attributes


class AwsSdkCall:
    """The resource type Custom::AWS."""

    def __init__(self, physical_id: str, attributes: dict[str, Any]) -> None:
        self.physical_resource_id = physical_id
        self.attributes = attributes

    @classmethod
    def has_cfn_attr(cls, attribute: str) -> bool:
        """Say yes: the call's response decides what there is."""
        return True

    def get_cfn_attribute(self, attribute: str) -> Any:
        """Return one value of the call's response, by its dotted path."""
        return self.attributes.get(attribute)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "AwsSdkCall":
        """Make the call that the template gives for creation."""
        properties = cloudformation_json["Properties"]
        identity, attributes = make_call(properties, "Create", account_id, region_name)
        return cls(identity or resource_name, attributes)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "AwsSdkCall",
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "AwsSdkCall":
        """Make the call that the template gives for an update, if it gives one."""
        properties = cloudformation_json["Properties"]
        identity, attributes = make_call(properties, "Update", account_id, region_name)
        return cls(
            identity or original_resource.physical_resource_id,
            attributes or original_resource.attributes,
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Make the call that the template gives for deletion, if it gives one."""
        make_call(cloudformation_json["Properties"], "Delete", account_id, region_name)
