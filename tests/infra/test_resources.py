"""What is in the template, resource by resource."""

from collections import Counter
from typing import Any

from tests.infra.reading import of_type, plain, the


def test_these_resources_and_no_others(template: dict[str, Any]) -> None:
    kinds = Counter(resource["Type"] for resource in template["Resources"].values())
    assert kinds == {
        "AWS::S3::Bucket": 1,
        "AWS::S3::BucketPolicy": 1,
        "AWS::IAM::Role": 4,  # jobs', endpoint's, the state machine's, the deploy-time Lambda's
        "AWS::IAM::Policy": 8,  # one each of the first three, one for each Custom::AWS
        "AWS::Lambda::Function": 1,
        "Custom::AWS": 5,  # copy source and starter, make record and lock, read the record
        "AWS::SageMaker::Model": 1,
        "AWS::SageMaker::EndpointConfig": 1,
        "AWS::SageMaker::Endpoint": 1,
        "AWS::StepFunctions::StateMachine": 1,
        "AWS::Logs::LogGroup": 1,
        "AWS::SNS::Topic": 1,
        "AWS::SNS::TopicPolicy": 1,
        "AWS::CloudWatch::Alarm": 2,
        "AWS::CloudWatch::Dashboard": 1,
        "AWS::Events::Rule": 2,
    }


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
