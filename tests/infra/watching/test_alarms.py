"""What is noticed when nobody is looking."""

from typing import Any

from tests.infra.conftest import Synthesise
from tests.infra.reading import ACCOUNT, of_type, plain, the


def test_alarms_watch_executions_and_endpoint_and_tell_the_topic(template: dict[str, Any]) -> None:
    (topic,) = of_type(template, "AWS::SNS::Topic")
    watched = {}
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        assert plain(alarm["AlarmActions"]) == [f"<{topic}>"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmDescription"].startswith("sound-vae: ")
        dimensions = {d["Name"]: plain(d["Value"]) for d in alarm["Dimensions"]}
        watched[alarm["Namespace"], alarm["MetricName"]] = dimensions
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine")
    endpoint = {"EndpointName": "sound-vae", "VariantName": "AllTraffic"}
    assert watched == {
        ("AWS/States", "ExecutionsFailed"): {"StateMachineArn": f"<{machine}>"},
        ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn": f"<{machine}>"},
        ("AWS/SageMaker", "Invocation5XXErrors"): endpoint,
        ("AWS/SageMaker", "ModelLatency"): endpoint,
    }


def test_a_failed_training_job_of_ours_tells_the_topic(template: dict[str, Any]) -> None:
    rule = the(template, "AWS::Events::Rule")
    (topic,) = of_type(template, "AWS::SNS::Topic")
    assert rule["EventPattern"]["detail"] == {
        "TrainingJobStatus": ["Failed"],
        "TrainingJobName": [{"prefix": "sound-vae--"}],
    }
    (target,) = rule["Targets"]
    assert plain(target["Arn"]) == f"<{topic}>"


def test_only_these_alarms_and_this_rule_publish_and_only_over_tls(
    template: dict[str, Any],
) -> None:
    (rule,) = of_type(template, "AWS::Events::Rule")
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
        "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": f"<{rule}.Arn>"}},
    }
    (denied,) = (statement for statement in statements if statement["Effect"] == "Deny")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_e_mail_address_is_a_setting(synthesise: Synthesise, template: dict[str, Any]) -> None:
    assert not of_type(template, "AWS::SNS::Subscription")
    told = the(synthesise(alarm_email="me@example.org"), "AWS::SNS::Subscription")
    assert (told["Protocol"], told["Endpoint"]) == ("email", "me@example.org")
