"""What is in the template, resource by resource."""

from collections import Counter
from typing import Any

import pytest

from tests.infra.reading import machine_of, of_type, plain, the


def test_these_resources_and_no_others(template: dict[str, Any]) -> None:
    kinds = Counter(resource["Type"] for resource in template["Resources"].values())
    assert kinds == {
        "AWS::S3::Bucket": 1,
        "AWS::S3::BucketPolicy": 1,
        # three jobs', endpoint's, state machines', the repairing rule's, the deploy-time Lambda's
        "AWS::IAM::Role": 12,
        "AWS::IAM::Policy": 20,  # one of each but the last, one for each Custom::AWS
        "AWS::Lambda::Function": 1,
        # copy source and starter, make and read the record, end what runs; before the record is
        # read, wait for a promotion three times, and fail if it is still at it
        "Custom::AWS": 9,
        "AWS::SageMaker::Model": 1,
        "AWS::SageMaker::EndpointConfig": 1,
        "AWS::SageMaker::Endpoint": 1,
        # trains and promotes, prepares, generates, changes the endpoint, lets a deployment wait,
        # removes
        "AWS::StepFunctions::StateMachine": 6,
        "AWS::DynamoDB::Table": 1,
        "AWS::Logs::LogGroup": 6,
        "AWS::SNS::Topic": 1,
        "AWS::SNS::TopicPolicy": 1,
        "AWS::CloudWatch::Alarm": 2,
        "AWS::CloudWatch::Dashboard": 1,
        "AWS::Events::Rule": 3,  # two that tell of failures, one that repairs
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("birds", "STANDARD"),
        ("birds--endpoint", "STANDARD"),
        ("birds--preparation", "STANDARD"),
        ("birds--generation", "STANDARD"),
        ("birds--removal", "EXPRESS"),
        ("birds--deployment", "EXPRESS"),
        ("birds--upload", "EXPRESS"),
    ],
)
def test_every_state_machine_logs_everything_and_is_traced(
    everything: dict[str, Any], name: str, kind: str
) -> None:
    _, machine = machine_of(everything, name)
    assert machine["StateMachineType"] == kind
    assert machine["TracingConfiguration"] == {"Enabled": True}
    (group,) = (
        logical_id
        for logical_id, log in of_type(everything, "AWS::Logs::LogGroup").items()
        if log["LogGroupName"] == f"/aws/vendedlogs/states/{name}"
    )
    assert plain(machine["LoggingConfiguration"]) == {
        "Level": "ALL",
        "IncludeExecutionData": True,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": f"<{group}.Arn>"}}],
    }
    assert everything["Resources"][group]["Properties"]["RetentionInDays"] == 90
    assert everything["Resources"][group]["DeletionPolicy"] == "Delete"


def test_the_table_of_turns_costs_nothing_while_nobody_trains(template: dict[str, Any]) -> None:
    table = the(template, "AWS::DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]


def test_the_outputs_are_what_one_needs_next(template: dict[str, Any]) -> None:
    outputs = {name: plain(output["Value"]) for name, output in template["Outputs"].items()}
    machine, _ = machine_of(template, "sound-vae")
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
