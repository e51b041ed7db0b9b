"""The endpoint, there from the first deploy on."""

import json
import re
from typing import Any

import pytest

from tests.infra.conftest import Synthesise, Template
from tests.infra.reading import of_type, plain, the


def test_the_endpoint_is_serverless_and_there_from_the_first_deploy(
    template: dict[str, Any],
) -> None:
    (model,) = of_type(template, "AWS::SageMaker::Model")
    (config,) = of_type(template, "AWS::SageMaker::EndpointConfig")
    (variant,) = the(template, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 5}
    assert plain(variant["ModelName"]) == f"<{model}.ModelName>"
    assert plain(the(template, "AWS::SageMaker::Endpoint")) == {
        "EndpointName": "sound-vae",
        "EndpointConfigName": f"<{config}.EndpointConfigName>",
    }


def test_model_and_config_have_no_fixed_names_that_would_block_their_replacement(
    template: dict[str, Any],
) -> None:
    assert "ModelName" not in the(template, "AWS::SageMaker::Model")
    assert "EndpointConfigName" not in the(template, "AWS::SageMaker::EndpointConfig")


def test_none_is_kept_warm_unless_a_setting_says_how_many(everything: dict[str, Any]) -> None:
    (variant,) = the(everything, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["ServerlessConfig"] == {
        "MemorySizeInMB": 4096,
        "MaxConcurrency": 9,
        "ProvisionedConcurrency": 2,
    }


def test_the_endpoint_runs_under_the_role_that_only_reads(template: dict[str, Any]) -> None:
    (role,) = (n for n in of_type(template, "AWS::IAM::Role") if n.startswith("EndpointRole"))
    assert plain(the(template, "AWS::SageMaker::Model")["ExecutionRoleArn"]) == f"<{role}.Arn>"


@pytest.fixture(scope="module")
def on_instances(synthesise: Synthesise) -> Template:
    return synthesise(
        endpoint="instance",
        endpoint_min_instances=2,
        endpoint_max_instances=6,
        endpoint_invocations_per_instance=900,
    )


def test_an_endpoint_on_instances_begins_with_the_fewest_and_keeps_as_many_as_it_has(
    on_instances: Template,
) -> None:
    (variant,) = the(on_instances, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c6i.large", 2)
    assert "ServerlessConfig" not in variant
    endpoint = the(on_instances, "AWS::SageMaker::Endpoint")
    assert endpoint["EndpointName"] == "sound-vae-ml-c6i-large"
    assert endpoint["RetainAllVariantProperties"] is True


def test_aws_scales_it_by_the_requests_a_minute_for_each_instance(on_instances: Template) -> None:
    (endpoint,) = of_type(on_instances, "AWS::SageMaker::Endpoint")
    (target,) = of_type(on_instances, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert plain(the(on_instances, "AWS::ApplicationAutoScaling::ScalableTarget")) == {
        "MaxCapacity": 6,
        "MinCapacity": 2,
        "ResourceId": f"endpoint/<{endpoint}.EndpointName>/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    }
    policy = the(on_instances, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert plain(policy["ScalingTargetId"]) == f"<{target}>"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "TargetValue": 900,
    }


def test_a_serverless_endpoint_is_not_scaled(template: Template) -> None:
    assert not of_type(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert "RetainAllVariantProperties" not in the(template, "AWS::SageMaker::Endpoint")


def test_how_an_endpoint_is_scaled_changes_in_place(
    synthesise: Synthesise, on_instances: Template
) -> None:
    after = synthesise(
        endpoint="instance",
        endpoint_min_instances=2,
        endpoint_max_instances=9,
        endpoint_invocations_per_instance=100,
    )
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        kind = f"AWS::SageMaker::{kind}"
        assert of_type(after, kind) == of_type(on_instances, kind)


def test_whatever_names_the_endpoint_names_the_one_that_there_is(on_instances: Template) -> None:
    text = json.dumps(plain(on_instances["Resources"]))
    assert "/aws/sagemaker/Endpoints/sound-vae-ml-c6i-large" in text
    assert not re.search(r"[Ee]ndpoints?/sound-vae(?!-ml)", text)
    for alarm in of_type(on_instances, "AWS::CloudWatch::Alarm").values():
        names = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        assert names["EndpointName"] == "sound-vae-ml-c6i-large"
    (page,) = of_type(on_instances, "AWS::CloudWatch::Dashboard").values()
    assert "InvocationsPerInstance" in json.dumps(page)
    assert "ModelSetupTime" not in json.dumps(page), "a metric of serverless endpoints"
