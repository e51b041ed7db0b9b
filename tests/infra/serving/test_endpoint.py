"""The endpoint, there from the first deploy on."""

from typing import Any

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
