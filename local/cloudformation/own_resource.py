"""The base class of the resource types that moto lacks."""

import contextlib
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.aws import endpoint_url

Api = Callable[[str], Any]
"""From the name of an API to a boto3 client of the account's owner, in the stack's region."""


def owners_api(region: str) -> Api:
    """Return a function that makes clients of the account's owner in `region`."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return lambda name: boto3.client(name, region_name=region, endpoint_url=endpoint_url(), **keys)


class Resource:
    """What moto asks of a resource: Ref gives the physical id, Fn::GetAtt the attributes."""

    def __init__(self, physical_id: str, attributes: dict[str, Any] | None = None) -> None:
        self.physical_resource_id = physical_id
        self.attributes = attributes or {}

    @classmethod
    def has_cfn_attr(cls, attribute: str) -> bool:
        """Say yes: what makes the resource decides which attributes there are."""
        return True

    def get_cfn_attribute(self, attribute: str) -> Any:
        """Return an attribute."""
        return self.attributes[attribute]


class OwnResource(Resource):
    """One resource: `put` makes it or changes it in place, `remove` deletes it.

    Subclasses do both with calls of the service. Ref is the physical id, Fn::GetAtt an attribute.
    """

    name_property: str | None = None
    """The property by which a template names the resource."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> "OwnResource":
        """Make or change the resource; here it is no more than a name."""
        return cls(name)

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Remove what `put` made, if anything."""

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "OwnResource":
        """Make the resource from its resolved definition."""
        api = owners_api(region_name)
        return cls.put(resource_name, cloudformation_json["Properties"], api, exists=False)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, cloudformation_json: Any, region_name: str, **_: Any
    ) -> "OwnResource":
        """Change the resource in place."""
        name, api = original_resource.physical_resource_id, owners_api(region_name)
        return cls.put(name, cloudformation_json["Properties"], api, exists=True)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Remove the resource; what is gone already is no error."""
        with contextlib.suppress(ClientError):
            cls.remove(resource_name, cloudformation_json["Properties"], owners_api(region_name))
