"""Resource types that moto lacks or cannot change: log groups, metric filters, alarms."""

from typing import Any

from local.cloudformation.own_resource import Api, OwnResource


class Alarm(OwnResource):
    """AWS::CloudWatch::Alarm; its properties are the parameters of PutMetricAlarm."""

    name_property = "AlarmName"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make or change the alarm."""
        cloudwatch = api("cloudwatch")
        cloudwatch.put_metric_alarm(**{**properties, "AlarmName": name})
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return cls(name, {"Arn": alarm["AlarmArn"]})

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete the alarm."""
        api("cloudwatch").delete_alarms(AlarmNames=[physical_id])


class LogGroup(OwnResource):
    """AWS::Logs::LogGroup."""

    name_property = "LogGroupName"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make the group, or change how long it keeps its lines."""
        logs = api("logs")
        if not exists:
            tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
            key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
            logs.create_log_group(logGroupName=name, **key, **({"tags": tags} if tags else {}))
        if days := properties.get("RetentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
        elif exists:
            logs.delete_retention_policy(logGroupName=name)
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        (arn,) = [group["arn"] for group in found if group["logGroupName"] == name]
        return cls(name, {"Arn": arn})

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete the group and its lines."""
        api("logs").delete_log_group(logGroupName=physical_id)


class MetricFilter(OwnResource):
    """AWS::Logs::MetricFilter."""

    name_property = "FilterName"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make or change the filter."""

        def transformation(given: dict[str, Any]) -> dict[str, Any]:
            renamed = {key[0].lower() + key[1:]: value for key, value in given.items()}
            if dimensions := given.get("Dimensions"):
                renamed["dimensions"] = {one["Key"]: one["Value"] for one in dimensions}
            return renamed

        if exists:  # moto would make a second one
            cls.remove(name, properties, api)
        api("logs").put_metric_filter(
            logGroupName=properties["LogGroupName"],
            filterName=name,
            filterPattern=properties["FilterPattern"],
            metricTransformations=[transformation(t) for t in properties["MetricTransformations"]],
        )
        return cls(name)

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete the filter."""
        api("logs").delete_metric_filter(
            logGroupName=properties["LogGroupName"], filterName=physical_id
        )
