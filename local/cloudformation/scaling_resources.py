"""AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy, which moto lacks."""

from typing import Any

from local.cloudformation.own_resource import Api, OwnResource

WHERE = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _where(physical_id: str) -> dict[str, str]:
    """Split `<resource id>|<dimension>|<namespace>`, which is what Ref of a target gives."""
    resource, dimension, namespace = physical_id.split("|")
    return dict(zip(WHERE, (namespace, resource, dimension), strict=True))


class ScalableTarget(OwnResource):
    """AWS::ApplicationAutoScaling::ScalableTarget; RegisterScalableTarget also changes one."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Register it."""
        where = {key: properties[key] for key in WHERE}
        capacity = {key: int(properties[key]) for key in ("MinCapacity", "MaxCapacity")}
        role = {key: properties[key] for key in ("RoleARN",) if key in properties}
        api("application-autoscaling").register_scalable_target(**where, **capacity, **role)
        return cls("|".join(properties[key] for key in (*WHERE[1:], WHERE[0])))

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Deregister it."""
        api("application-autoscaling").deregister_scalable_target(**_where(physical_id))


class ScalingPolicy(OwnResource):
    """AWS::ApplicationAutoScaling::ScalingPolicy, of a ScalingTargetId."""

    @classmethod
    def put(cls, name: str, properties: dict[str, Any], api: Api, exists: bool) -> OwnResource:
        """Put it."""
        kept = ("PolicyName", "PolicyType")
        given = {key: properties[key] for key in kept}
        tracking = dict(properties["TargetTrackingScalingPolicyConfiguration"])
        tracking["TargetValue"] = float(tracking["TargetValue"])
        arn = api("application-autoscaling").put_scaling_policy(
            **_where(properties["ScalingTargetId"]),
            **given,
            TargetTrackingScalingPolicyConfiguration=tracking,
        )["PolicyARN"]
        return cls(name if exists else arn, {"Arn": arn})

    @classmethod
    def remove(cls, physical_id: str, properties: dict[str, Any], api: Api) -> None:
        """Delete it."""
        api("application-autoscaling").delete_scaling_policy(
            PolicyName=properties["PolicyName"], **_where(properties["ScalingTargetId"])
        )
