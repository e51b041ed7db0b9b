"""AWS::DynamoDB::Table; moto's own cannot be changed and ignores most of its properties."""

import contextlib
from typing import Any

from botocore.exceptions import ClientError

from local.cloudformation.own_resource import Api, OwnResource, owners_api

AT_CREATION = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "TableClass",
    "Tags",
)
LATER = ("BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput")


def _choose(properties: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: properties[name] for name in names if name in properties}


class Table(OwnResource):
    """AWS::DynamoDB::Table."""

    name_property = "TableName"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make or change the table."""
        dynamodb = api("dynamodb")
        if not exists:
            more: dict[str, Any] = {}
            if stream := properties.get("StreamSpecification"):
                more["StreamSpecification"] = {"StreamEnabled": True, **stream}
            if properties.get("SSESpecification", {}).get("SSEEnabled"):
                sse = _choose(properties["SSESpecification"], ("SSEType", "KMSMasterKeyId"))
                more["SSESpecification"] = {"Enabled": True, **sse}
            dynamodb.create_table(TableName=name, **_choose(properties, AT_CREATION), **more)
        elif changes := _choose(properties, LATER):
            dynamodb.update_table(TableName=name, **changes)
        if expiry := properties.get("TimeToLiveSpecification"):
            with contextlib.suppress(ClientError):  # it is so already
                dynamodb.update_time_to_live(
                    TableName=name,
                    TimeToLiveSpecification=_choose(expiry, ("Enabled", "AttributeName")),
                )
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification=recovery
            )
        table = dynamodb.describe_table(TableName=name)["Table"]
        return cls(name, {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")})

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Delete the table; a table that is protected from deletion is an error."""
        api = owners_api(region_name)("dynamodb")
        with contextlib.suppress(api.exceptions.ResourceNotFoundException):
            api.delete_table(TableName=resource_name)
