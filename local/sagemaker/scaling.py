"""Application Auto Scaling of endpoints on instances: more containers while more is asked of each.

moto keeps scalable targets and policies, of endpoints that are not there as well, and scales
nothing. Here a policy of SageMakerVariantInvocationsPerInstance is looked at every minute, of real
time, which requests take: three in a row above the target add instances, fifteen below nine tenths
of it take some away, as many as would bring the figure back to the target, and then not again for
the policy's cooldown, five minutes. Target, cooldowns and limits are AWS's words
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html); three,
fifteen and nine tenths are what the alarms say that AWS makes for such a policy.
"""

import contextlib
import math
import threading
import time
from collections import defaultdict
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    applicationautoscaling_backends,
)
from moto.core.exceptions import JsonRESTError
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import sagemaker_backends

SAGEMAKER = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
MINUTE, COOLDOWN = 60, 300  # seconds
ABOVE, BELOW, LOW = 3, 15, 0.9

_register = ApplicationAutoscalingBackend.register_scalable_target
_deregister = ApplicationAutoscalingBackend.deregister_scalable_target


class ObjectNotFoundError(JsonRESTError):
    """There is no such scalable target."""

    def __init__(self, message: str) -> None:
        super().__init__("ObjectNotFoundException", message)


def _resource(endpoint_name: str, variant: str) -> str:
    return f"endpoint/{endpoint_name}/variant/{variant}"


def is_target(account: str, region: str, endpoint_name: str, variant: str) -> bool:
    """Tell whether AWS scales this variant."""
    targets = applicationautoscaling_backends[account][region].targets
    return _resource(endpoint_name, variant) in targets.get(DIMENSION, {})


def forget(account: str, region: str, endpoint_name: str) -> None:
    """Deregister the variants of an endpoint that is deleted.

    "Application Auto Scaling deregisters those models as scalable targets without notifying you":
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-delete-with-scaling.html
    """
    backend = applicationautoscaling_backends[account][region]
    for resource in list(backend.targets.get(DIMENSION, {})):
        if resource.startswith(f"endpoint/{endpoint_name}/"):
            backend.deregister_scalable_target(SAGEMAKER, resource, DIMENSION)


def _endpoint(backend: ApplicationAutoscalingBackend, resource: str) -> Any:
    """Return moto's endpoint of `endpoint/NAME/variant/VARIANT`, None if it has no instances."""
    _, name, _, variant = resource.split("/")
    sagemaker = sagemaker_backends[backend.account_id][backend.region_name]
    endpoint = sagemaker.endpoints.get(name)
    found = endpoint.production_variants if endpoint else []
    on_instances = [v for v in found if v["VariantName"] == variant and "DesiredInstanceCount" in v]
    return endpoint if on_instances else None


def register(
    self: ApplicationAutoscalingBackend,
    namespace: str,
    r_id: str,
    dimension: str,
    min_capacity: int | None,
    max_capacity: int | None,
    role_arn: str,
    suspended_state: str,
) -> Any:
    """Register a target, of an endpoint that is there and has instances."""
    if dimension == DIMENSION and _endpoint(self, r_id) is None:
        raise AWSValidationException(f"There is no endpoint with instances for {r_id}.")
    return _register(
        self, namespace, r_id, dimension, min_capacity, max_capacity, role_arn, suspended_state
    )


def deregister(
    self: ApplicationAutoscalingBackend, namespace: str, r_id: str, dimension: str
) -> None:
    """Deregister a target, with its policies."""
    if r_id not in self.targets.get(dimension, {}):
        raise ObjectNotFoundError(f"No scalable target found for {namespace}, {r_id}, {dimension}")
    _deregister(self, namespace, r_id, dimension)
    for key, policy in list(self.policies.items()):
        if (policy.resource_id, policy.scalable_dimension) == (r_id, dimension):
            del self.policies[key]


class _Watched:
    """A policy's figures so far: the last requests, and minutes in a row above and below."""

    def __init__(self) -> None:
        self.fleet: Any = None
        self.asked = self.above = self.below = 0
        self.rests_until = 0.0

    def requests(self, fleet: Any) -> int:
        """Return how many there were since the last look."""
        before = self.asked if fleet is self.fleet else 0
        self.fleet, self.asked = fleet, fleet.asked
        return int(fleet.asked - before)


_watched: dict[str, _Watched] = defaultdict(_Watched)  # by the resource that is scaled


def look_at(backend: ApplicationAutoscalingBackend, policy: Any, now: float) -> None:
    """Have as many instances as the last minutes ask for, and the target's limits allow."""
    target = backend.targets.get(DIMENSION, {}).get(policy.resource_id)
    endpoint = _endpoint(backend, policy.resource_id)
    sagemaker = sagemaker_backends[backend.account_id][backend.region_name]
    if target is None or endpoint is None or endpoint.endpoint_name not in sagemaker.fleets:
        return
    rule = policy.target_tracking_scaling_policy_configuration or {}
    watched, fleet = _watched[policy.resource_id], sagemaker.fleets[endpoint.endpoint_name]
    figure, wanted = watched.requests(fleet) / max(fleet.size, 1), float(rule["TargetValue"])
    watched.above = watched.above + 1 if figure > wanted else 0
    watched.below = watched.below + 1 if figure < LOW * wanted else 0
    count = fleet.size
    if now >= watched.rests_until and (watched.above >= ABOVE or watched.below >= BELOW):
        count = math.ceil(fleet.size * figure / wanted)
    count = min(max(count, int(target.min_capacity)), int(target.max_capacity))
    if count == fleet.size:
        return
    with contextlib.suppress(ValidationError):  # it is being updated: the next look is soon
        change = {
            "VariantName": policy.resource_id.split("/")[3],
            "DesiredInstanceCount": count,
        }
        sagemaker.update_endpoint_weights_and_capacities(endpoint.endpoint_name, [change])
        watched.above = watched.below = 0
        cooldown = "ScaleOutCooldown" if count > fleet.size else "ScaleInCooldown"
        watched.rests_until = now + float(rule.get(cooldown, COOLDOWN))


def _every_minute() -> None:
    now = 0.0
    while True:
        time.sleep(MINUTE)
        now += 60
        for regions in list(applicationautoscaling_backends.values()):
            for backend in list(regions.values()):
                for policy in list(backend.policies.values()):
                    rule = policy.target_tracking_scaling_policy_configuration or {}
                    metric = rule.get("PredefinedMetricSpecification", {})
                    if metric.get("PredefinedMetricType") == METRIC:
                        look_at(backend, policy, now)


def install() -> None:
    """Replace moto's rules with these, and begin to scale."""
    ApplicationAutoscalingBackend.register_scalable_target = register
    ApplicationAutoscalingBackend.deregister_scalable_target = deregister
    threading.Thread(target=_every_minute, daemon=True).start()
