"""The CDK's AwsCustomResource: one SDK call at create, update or delete.

On AWS a shared Lambda function makes the call. Here the call is made in this process, with a
session of that function's role, so that the policy which the template grants is what decides.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.awslambda.utils import get_backend
from moto.cloudformation.exceptions import ValidationError as TemplateError

from local.aws import BOTO_NAMES, client_as
from local.cloudformation.own_resource import Resource

SDK_ATTEMPTS = 3
"""How often the AWS SDK in the function asks by itself (JavaScript, standard mode)."""

MOST_RESPONSE = 4096
"""Bytes of a response, without spaces, that CloudFormation takes."""


def client_for(call: dict[str, Any], role: str, region: str, timeout: int) -> Any:
    """Return a client of the service that a call names, as SSM, ssm or @aws-sdk/client-ssm."""
    name = re.sub("[^a-z0-9]", "", call["service"].lower().removeprefix("@aws-sdk/client-"))
    known = {n.replace("-", ""): n for n in boto3.session.Session().get_available_services()}
    api = BOTO_NAMES.get(name) or known.get(name)
    if api is None:
        raise TemplateError(message=f"Package @aws-sdk/client-{call['service']} does not exist.")
    where = call.get("region") or region
    return client_as(role, "lambda.amazonaws.com", api, where, timeout, attempts=SDK_ATTEMPTS)


def method_for(client: Any, action: str) -> Callable[..., dict[str, Any]]:
    """Return the client's method for `putObject`, `PutObject` or `PutObjectCommand`."""
    operation = action.removesuffix("Command")
    operation = operation[:1].upper() + operation[1:]
    method = xform_name(operation)
    if client.meta.method_to_api_mapping.get(method) != operation:
        raise TemplateError(
            message=f"Unable to find command named: {operation}Command for api: "
            f"{client.meta.service_model.service_name}"
        )
    return getattr(client, method)


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
    function = get_backend(account, region).get_function(properties["ServiceToken"])
    client = client_for(call, function.role, region, int(function.timeout))
    try:
        response = method_for(client, call["action"])(**call.get("parameters", {}))
    except ReadTimeoutError as error:
        raise TemplateError(
            message=f"The call {call['action']} took longer than the {function.timeout} seconds "
            "that the function may run (the timeout of AwsCustomResource)."
        ) from error
    except ClientError as error:
        ignored = call.get("ignoreErrorCodesMatching")
        if not ignored or not re.search(ignored, error.response["Error"]["Code"]):
            raise
        response = {}
    response.pop("ResponseMetadata", None)
    attributes = flatten(response)
    identity = call.get("physicalResourceId", {})
    physical_id = identity.get("id") or attributes.get(identity.get("responsePath"))
    if "outputPath" in call or "outputPaths" in call:
        paths = tuple(call.get("outputPaths") or [call["outputPath"]])
        attributes = {key: value for key, value in attributes.items() if key.startswith(paths)}
    if len(json.dumps(attributes, default=str)) > MOST_RESPONSE:
        raise TemplateError(message="Response object is too long.")
    return physical_id, attributes


class AwsSdkCall(Resource):
    """The resource type Custom::AWS."""

    def get_cfn_attribute(self, attribute: str) -> Any:
        """Return one value of the call's response, by its dotted path."""
        if attribute not in self.attributes:
            raise TemplateError(
                message="CustomResource attribute error: Vendor response doesn't contain "
                f"{attribute} attribute in object {self.physical_resource_id}"
            )
        return self.attributes[attribute]

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
