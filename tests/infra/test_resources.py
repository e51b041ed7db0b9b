"""What is in the template, resource by resource."""

import json
from collections import Counter
from typing import Any

from tests.infra.reading import of_type, plain, the


def test_these_resources_and_no_others(template: dict[str, Any]) -> None:
    kinds = Counter(resource["Type"] for resource in template["Resources"].values())
    assert kinds == {
        "AWS::S3::Bucket": 1,
        "AWS::S3::BucketPolicy": 1,
        "AWS::IAM::Role": 3,  # SageMaker's, the state machine's, the deploy-time Lambda's
        "AWS::IAM::Policy": 7,  # one each of the first two, one for each Custom::AWS
        "AWS::Lambda::Function": 1,
        "Custom::AWS": 5,  # copy source and starter, make record and lock, read the record
        "AWS::SageMaker::Model": 1,
        "AWS::SageMaker::EndpointConfig": 1,
        "AWS::SageMaker::Endpoint": 1,
        "AWS::StepFunctions::StateMachine": 1,
        "AWS::Logs::LogGroup": 1,
        "AWS::SNS::Topic": 1,
        "AWS::SNS::TopicPolicy": 1,
        "AWS::CloudWatch::Alarm": 4,
        "AWS::CloudWatch::Dashboard": 1,
        "AWS::Events::Rule": 1,
    }


def test_the_bucket_is_encrypted_private_versioned_and_kept(template: dict[str, Any]) -> None:
    bucket = the(template, "AWS::S3::Bucket")
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (resource,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket")
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_bucket_answers_over_tls_only(template: dict[str, Any]) -> None:
    (name,) = of_type(template, "AWS::S3::Bucket")
    (statement,) = plain(the(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"])
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [f"<{name}.Arn>", f"<{name}.Arn>/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


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


def test_the_state_machine_logs_everything_and_is_traced(template: dict[str, Any]) -> None:
    machine = the(template, "AWS::StepFunctions::StateMachine")
    (group,) = of_type(template, "AWS::Logs::LogGroup")
    assert machine["StateMachineName"] == "sound-vae"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert plain(machine["LoggingConfiguration"]) == {
        "Level": "ALL",
        "IncludeExecutionData": True,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": f"<{group}.Arn>"}}],
    }
    log = the(template, "AWS::Logs::LogGroup")
    assert log["LogGroupName"] == "/aws/vendedlogs/states/sound-vae"
    assert log["RetentionInDays"] == 90


def test_source_and_starter_are_copied_into_the_bucket(template: dict[str, Any]) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket")
    copies = {}
    for custom in of_type(template, "Custom::AWS").values():
        call = json.loads(plain(custom["Create"]))
        if call["action"] == "CopyObject":
            assert custom["Create"] == custom["Update"]
            assert call["parameters"]["Bucket"] == f"<{bucket}>"
            copies[call["parameters"]["Key"].split("/")[0]] = call["parameters"]["Key"]
    assert copies["models"] == "models/starter/model.tar.gz"
    assert copies["code"].endswith("/sourcedir.tar.gz")


def test_the_outputs_are_what_one_needs_next(template: dict[str, Any]) -> None:
    outputs = {name: plain(output["Value"]) for name, output in template["Outputs"].items()}
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine")
    assert set(outputs) == {
        "BucketName",
        "StateMachineArn",
        "StateMachineConsole",
        "EndpointName",
        "DashboardConsole",
        "ServedModelParameter",
    }
    assert outputs["ServedModelParameter"] == "/sound-vae/served-model"
    assert outputs["StateMachineConsole"] == (
        "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1"
        f"#/statemachines/view/<{machine}>"
    )
