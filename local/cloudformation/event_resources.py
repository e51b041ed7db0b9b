"""Resource types that moto lacks: schedules, topics and the permission to call a function."""

import json
from typing import Any

from local.cloudformation.own_resource import Api, OwnResource


class ScheduleGroup(OwnResource):
    """AWS::Scheduler::ScheduleGroup."""

    name_property = "Name"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make the group."""
        scheduler = api("scheduler")
        if not exists:
            scheduler.create_schedule_group(Name=name, Tags=properties.get("Tags", []))
        return cls(name, {"Arn": scheduler.get_schedule_group(Name=name)["Arn"]})

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete the group."""
        api("scheduler").delete_schedule_group(Name=physical_id)


class Schedule(OwnResource):
    """AWS::Scheduler::Schedule; its properties are the parameters of CreateSchedule."""

    name_property = "Name"

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Make or change the schedule."""
        scheduler = api("scheduler")
        change = scheduler.update_schedule if exists else scheduler.create_schedule
        change(**{**properties, "Name": name})
        group = {"GroupName": properties["GroupName"]} if "GroupName" in properties else {}
        return cls(name, {"Arn": scheduler.get_schedule(Name=name, **group)["Arn"]})

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete the schedule."""
        group = {"GroupName": properties["GroupName"]} if "GroupName" in properties else {}
        api("scheduler").delete_schedule(Name=physical_id, **group)


class Subscription(OwnResource):
    """AWS::SNS::Subscription."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Subscribe to the topic."""
        wanted = {key: properties[key] for key in ("TopicArn", "Protocol", "Endpoint")}
        return cls(api("sns").subscribe(**wanted)["SubscriptionArn"])

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """End the subscription."""
        api("sns").unsubscribe(SubscriptionArn=physical_id)


class TopicPolicy(OwnResource):
    """AWS::SNS::TopicPolicy."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Set the policy of every topic."""
        for topic in properties["Topics"]:
            api("sns").set_topic_attributes(
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(properties["PolicyDocument"]),
            )
        return cls(name)


class Permission(OwnResource):
    """AWS::Lambda::Permission: who may call a function; moto never removes one."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Allow the call."""
        api("lambda").add_permission(**{**properties, "StatementId": name})
        return cls(name)

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Allow it no longer."""
        api("lambda").remove_permission(
            FunctionName=properties["FunctionName"], StatementId=physical_id
        )
