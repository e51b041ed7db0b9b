"""How many instances the endpoint has: as many as the requests of the last minutes need.

Application Auto Scaling keeps the requests a minute for each instance near a target, with a role
linked to that service, which it makes itself. The target is what one instance answers at its best,
times 0.5, so that an instance that starts for minutes is there before the others are at their end:

    target = requests per second * 60 * 0.5

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html has that formula;
docs/serving.md says what the default was made from. A promotion leaves the scaling as it is, as it
changes the model alone, and keeps the number of instances (pipeline/endpoint.asl.yaml).
"""

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.settings import Settings

METRIC = "SageMakerVariantInvocationsPerInstance"


class Scaling(Construct):
    """The scalable target and its policy; another endpoint has others."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: sagemaker.CfnEndpoint,
        variant: str,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        target = autoscaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint.attr_endpoint_name}/variant/{variant}",
            min_capacity=settings.endpoint_min_instances,
            max_capacity=settings.endpoint_max_instances,
        )
        autoscaling.CfnScalingPolicy(
            self,
            "Policy",
            policy_name="requests-per-instance",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=settings.endpoint_invocations_per_instance,
                predefined_metric_specification=autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=METRIC
                ),
            ),
        )
