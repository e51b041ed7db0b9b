"""What is noticed when nobody is looking."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from infra.settings import Settings
from tests.infra.conftest import Synthesise
from tests.infra.reading import ACCOUNT, of_type, plain, the


def test_alarms_watch_the_endpoint_and_tell_the_topic(template: dict[str, Any]) -> None:
    (topic,) = of_type(template, "AWS::SNS::Topic")
    watched = {}
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        assert plain(alarm["AlarmActions"]) == [f"<{topic}>"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"].startswith("sound-vae: ")
        dimensions = {d["Name"]: plain(d["Value"]) for d in alarm["Dimensions"]}
        watched[alarm["Namespace"], alarm["MetricName"]] = dimensions
    endpoint = {"EndpointName": "sound-vae", "VariantName": "AllTraffic"}
    assert watched == {
        ("AWS/SageMaker", "Invocation5XXErrors"): endpoint,
        ("AWS/SageMaker", "ModelLatency"): endpoint,
    }


def test_uploads_that_start_nothing_are_told_where_uploads_start_something(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    def alarms(deployed: dict[str, Any]) -> list[dict[str, Any]]:
        found = of_type(deployed, "AWS::CloudWatch::Alarm")
        return [alarm for name, alarm in found.items() if name.startswith("AlarmsUpload")]

    assert not alarms(template)
    (alarm,) = alarms(everything)
    (topic,) = of_type(everything, "AWS::SNS::Topic")
    assert plain(alarm["AlarmActions"]) == [f"<{topic}>"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmDescription"] == (
        "birds: an upload may not be trained on: look into the log group "
        "/aws/vendedlogs/states/birds--upload, and start an execution by hand"
    )
    # Express state machines have metrics and no events
    parts = {part["Id"]: plain(part) for part in alarm["Metrics"]}
    watched = [part["MetricStat"]["Metric"] for part in parts.values() if "MetricStat" in part]
    assert {metric["MetricName"] for metric in watched} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    }
    for metric in watched:
        assert metric["Namespace"] == "AWS/States"
        (dimension,) = metric["Dimensions"]
        assert dimension["Name"] == "StateMachineArn"
        assert dimension["Value"].endswith(":stateMachine:birds--upload")


def rules(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Detail type of the events -> rule that tells of them."""
    return {
        rule["EventPattern"]["detail-type"][0]: plain(rule)
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        if name.startswith("Alarms")
    }


@pytest.fixture(scope="session")
def execution_rule(template: dict[str, Any]) -> dict[str, Any]:
    return rules(template)["Step Functions Execution Status Change"]


@pytest.fixture(scope="session")
def job_rule(template: dict[str, Any]) -> dict[str, Any]:
    return rules(template)["SageMaker Training Job State Change"]


def test_a_failed_training_job_of_ours_tells_the_topic(job_rule: dict[str, Any]) -> None:
    assert job_rule["EventPattern"]["source"] == ["aws.sagemaker"]
    assert job_rule["EventPattern"]["detail"] == {
        "TrainingJobStatus": ["Failed"],
        "TrainingJobName": [{"prefix": "sound-vae--"}],
    }


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        ("FAILED", "SoundVae.NotStarted", True),
        ("FAILED", "SoundVae.TrainingFailed", True),
        ("FAILED", "SoundVae.PromotionFailed", True),
        ("FAILED", "States.DataLimitExceeded", True),
        ("FAILED", ..., True),  # should AWS ever leave the error out
        ("FAILED", "SoundVae.WrongInput", False),  # whoever started it reads why at once
        ("TIMED_OUT", None, True),
        ("ABORTED", None, False),  # whoever stopped it knows
        ("SUCCEEDED", None, False),
        ("RUNNING", None, False),
    ],
)
def test_an_execution_that_failed_is_told_but_not_a_mistake_of_its_input(
    execution_rule: dict[str, Any], status: str, error: Any, told: bool
) -> None:
    pattern = execution_rule["EventPattern"]
    arn = pattern["detail"]["stateMachineArn"][0]
    detail: dict[str, Any] = {"status": status, "stateMachineArn": arn, "name": "monday"}
    event: dict[str, Any] = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": detail if error is ... else {**detail, "error": error},
    }
    assert matches(pattern, event) is told
    event["detail"] = {**event["detail"], "stateMachineArn": f"{arn}-b"}
    assert not matches(pattern, event)


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether EventBridge's documented rules say so; of its operators those that are used here."""
    return all(
        any(matches(one, event) for one in wanted)
        if key == "$or"
        else matches(wanted, event[key])
        if isinstance(wanted, dict)
        else any(allows(one, event.get(key, ...)) for one in wanted)
        for key, wanted in pattern.items()
    )


def allows(wanted: Any, value: Any) -> bool:
    match wanted:
        case {"anything-but": excluded}:
            return isinstance(value, str) and value not in excluded
        case {"exists": False}:
            return value is ...
        case {"prefix": beginning}:
            return isinstance(value, str) and value.startswith(beginning)
        case {"numeric": [">", least]}:
            return isinstance(value, int) and value > least
        case str():
            return bool(value == wanted)
    raise AssertionError(f"an operator that this test does not know: {wanted}")


def test_a_message_holds_names_and_links_alone_for_nothing_in_it_is_escaped(
    execution_rule: dict[str, Any], job_rule: dict[str, Any], template: dict[str, Any]
) -> None:
    # EventBridge puts a value into the template as it is: a quote or a new line in a FailureReason
    # would make it no JSON, and the message would never leave
    (topic,) = of_type(template, "AWS::SNS::Topic")
    for rule, names, link in (
        (
            job_rule,
            {"job": "$.detail.TrainingJobName"},
            "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/<job>",
        ),
        (
            execution_rule,
            {
                "execution": "$.detail.name",
                "arn": "$.detail.executionArn",
                "status": "$.detail.status",
            },
            "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1"
            "#/v2/executions/details/<arn>",
        ),
    ):
        (target,) = rule["Targets"]
        assert target["Arn"] == f"<{topic}>"
        transformer = target["InputTransformer"]
        assert transformer["InputPathsMap"] == names
        message = transformer["InputTemplate"]
        assert json.loads(message).endswith(link)
        assert set(re.findall("<([a-z]+)>", message)) == set(names)


def test_only_these_alarms_and_rules_publish_and_only_over_tls(template: dict[str, Any]) -> None:
    rules_arns = [
        f"<{name}.Arn>"
        for name in of_type(template, "AWS::Events::Rule")
        if name.startswith("Alarms")
    ]
    assert len(rules_arns) == 2
    statements = plain(the(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"])
    allowed = {
        statement["Principal"]["Service"]: statement["Condition"]
        for statement in statements
        if statement["Effect"] == "Allow"
    }
    assert allowed == {
        "cloudwatch.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"},
        },
        "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": rules_arns}},
    }
    (denied,) = (statement for statement in statements if statement["Effect"] == "Deny")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_e_mail_address_is_a_setting(synthesise: Synthesise, template: dict[str, Any]) -> None:
    assert not of_type(template, "AWS::SNS::Subscription")
    told = the(synthesise(alarm_email="me@example.org"), "AWS::SNS::Subscription")
    assert (told["Protocol"], told["Endpoint"]) == ("email", "me@example.org")


def test_that_an_address_has_to_be_confirmed_is_said_where_it_is_read(
    synthesise: Synthesise, template: dict[str, Any]
) -> None:
    assert "AlarmEmail" not in template["Outputs"]
    said = synthesise(alarm_email="me@example.org")["Outputs"]["AlarmEmail"]["Value"]
    assert said == (
        "Confirm the subscription in the mail that AWS has sent to me@example.org: nothing else "
        "arrives before."
    )
    (setting,) = (f for f in fields(Settings) if f.name == "alarm_email")
    assert "confirm" in setting.metadata["description"]
