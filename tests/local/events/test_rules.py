"""What happens becomes events, rules pick them, targets get what AWS would send them."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.events.models import EventPattern

from local.events import rules as events
from local.events import scheduler
from local.events.event_input import NotDeliveredError, fill_in
from tests.local.deployment import Client, Execute, MakeRole, settled
from tests.local.states.machines import PASS
from tests.local.states.waiting_job import waiting_job

EVENT = {
    "source": "aws.states",
    "detail": {"status": "FAILED", "name": "a-1", "n": 5, "error": "E"},
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"status": ["FAILED", "ABORTED"]}, True),
        ({"status": ["SUCCEEDED"]}, False),
        ({"name": [{"prefix": "a-"}]}, True),
        ({"name": [{"prefix": "b-"}]}, False),
        ({"name": [{"suffix": "-1"}]}, True),
        ({"status": [{"anything-but": ["SUCCEEDED", "RUNNING"]}]}, True),
        ({"status": [{"anything-but": "FAILED"}]}, False),
        ({"error": [{"anything-but": {"prefix": "States."}}]}, True),
        ({"missing": [{"anything-but": "x"}]}, False),  # recorded: ..._missing_NEG
        ({"missing": [{"exists": False}], "error": [{"exists": True}]}, True),
        ({"missing": [{"exists": True}]}, False),
        ({"n": [{"numeric": [">", 3, "<=", 5]}]}, True),
        ({"$or": [{"status": ["ABORTED"]}, {"error": [{"prefix": "E"}]}]}, True),
        ({"$or": [{"status": ["ABORTED"]}, {"error": [{"prefix": "States."}]}]}, False),
        ({"name": [{"wildcard": "a-*"}]}, True),
    ],
)
def test_patterns_match_as_documented(pattern: dict[str, Any], matches: bool) -> None:
    rule = EventPattern.load(json.dumps({"source": ["aws.states"], "detail": pattern}))
    assert rule.matches_event(EVENT) is matches


VALUES: dict[str, Any] = {
    "userId": "0a787ecb-4015",
    "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"},
    "listsingle": ["HIGH"],
    "valid": True,
    "quoted": 'it said "no"',
    "lines": "one\ntwo",
}


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ('{"id" : <userId>}', '{"id" : "0a787ecb-4015"}'),
        ('{"id" : "<userId>"}', '{"id" : "0a787ecb-4015"}'),
        (
            '{"path": "users/<userId>", "bod": [<userId>, "x"]}',
            '{"path": "users/0a787ecb-4015", "bod": ["0a787ecb-4015", "x"]}',
        ),
        ('"Payload of <payload>"', '"Payload of {acc_id:0a787ecb-4015,sf_id:baz}"'),
        ('"<listsingle> single list item"', '"[HIGH] single list item"'),
        ('{"singlelistitem": <listsingle>}', '{"singlelistitem": ["HIGH"]}'),
        ('"Command is <valid>!"', '"Command is true!"'),
        ('"about <nothing>"\n"<userId> user id"', '"about "\n"0a787ecb-4015 user id"'),
        ('{"command": <nothing>}', '{"command": ""}'),
        # recorded: not delivered
        ("<listsingle> single list item", None),
        ('{"singlelistitem": "<listsingle>"}', None),
        # "EventBridge does not escape values"
        ('"reason: <quoted>"', None),
        ('{"reason": "<quoted>"}', None),
        ('"reason: <lines>"', None),
        ('{"reason": <quoted>}', '{"reason": "it said \\"no\\""}'),
    ],
)
def test_templates_are_filled_in_as_recorded_on_aws(template: str, sent: str | None) -> None:
    if sent is None:
        with pytest.raises(NotDeliveredError):
            fill_in(template, VALUES)
    else:
        assert fill_in(template, VALUES) == sent


def topic(client: Client, name: str) -> str:
    """A topic to which EventBridge may publish."""
    arn = client("sns").create_topic(Name=name)["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return arn


def rule(client: Client, name: str, pattern: dict[str, Any], target: dict[str, Any]) -> None:
    client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule=name, Targets=[{"Id": "t", **target}])


def delivered(name: str, count: int = 1) -> list[events.Delivery]:
    """What a rule has delivered, once it is at least so much."""
    deadline = time.monotonic() + 10
    while True:
        events.settle()
        found = [delivery for delivery in events.DELIVERIES if delivery.rule == name]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_executions_tell_how_they_go(client: Client, execute: Execute) -> None:
    arn = topic(client, "executions")
    pattern = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
    rule(client, "executions", pattern, {"Arn": arn})
    execute({"Fail": {"Type": "Fail", "Error": "Mistake", "Cause": "why"}}, {"a": 1})
    running, failed = (json.loads(d.text) for d in delivered("executions", 2))
    assert running["detail"]["status"] == "RUNNING"
    assert running["detail"]["stopDate"] is None
    detail = failed["detail"]
    assert (detail["status"], detail["error"], detail["cause"]) == ("FAILED", "Mistake", "why")
    assert (detail["input"], detail["output"]) == ('{"a": 1}', None)
    assert detail["stopDate"] >= detail["startDate"] > 1.6e12  # milliseconds
    assert failed["resources"] == [detail["executionArn"]]
    client("events").disable_rule(Name="executions")
    execute({"P": PASS})
    assert len(delivered("executions", 2)) == 2


def test_buckets_tell_what_is_written_and_what_is_gone_for_good(client: Client) -> None:
    arn = topic(client, "objects")
    rule(client, "objects", {"source": ["aws.s3"]}, {"Arn": arn})
    s3 = client("s3")
    s3.create_bucket(Bucket="told")
    s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="told", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket="told", Key="a", Body=b"12345")
    s3.delete_object(Bucket="told", Key="a")
    versions = s3.list_object_versions(Bucket="told")
    for version in [*versions["Versions"], *versions["DeleteMarkers"]]:
        s3.delete_object(Bucket="told", Key="a", VersionId=version["VersionId"])
    found = [json.loads(one.text) for one in delivered("objects", 2)]
    assert [one["detail-type"] for one in found] == ["Object Created", "Object Deleted"]
    written, gone = (one["detail"] for one in found)
    assert (written["reason"], written["object"]["size"]) == ("PutObject", 5)
    assert (gone["reason"], gone["deletion-type"]) == ("DeleteObject", "Permanently Deleted")
    assert "size" not in gone["object"]


def test_a_topic_must_let_eventbridge_publish(client: Client, execute: Execute) -> None:
    arn = client("sns").create_topic(Name="closed")["TopicArn"]
    rule(client, "closed", {"source": ["aws.states"]}, {"Arn": arn})
    execute({"P": PASS})
    assert "does not let events.amazonaws.com publish" in delivered("closed")[0].error
    client("events").disable_rule(Name="closed")


def test_an_ended_execution_starts_another_with_the_role_of_the_target(
    client: Client, execute: Execute, make_role: MakeRole
) -> None:
    api = client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": PASS}}
    machine = api.create_state_machine(
        name="repairs",
        definition=json.dumps(definition),
        roleArn=make_role("repairs", "states.amazonaws.com"),
    )["stateMachineArn"]
    pattern = {
        "source": ["aws.states"],
        "detail": {
            "stateMachineArn": [{"anything-but": machine}],
            "$or": [
                {"status": ["ABORTED", "TIMED_OUT"]},
                {"status": ["FAILED"], "error": [{"prefix": "States."}]},
            ],
        },
    }
    service = "events.amazonaws.com"
    target = {"Arn": machine, "Input": '{"repair": true}'}
    target["RoleArn"] = make_role("may-not-start", service)
    rule(client, "repair", pattern, target)
    execute({"Fail": {"Type": "Fail", "Error": "Mistake"}})
    execute({"Fail": {"Type": "Fail", "Error": "States.Timeout"}})
    (refused,) = delivered("repair")
    assert "not authorized to perform: states:StartExecution" in refused.error
    grant = {"Action": "states:StartExecution", "Resource": machine}
    target["RoleArn"] = make_role("may-start", service, grant)
    rule(client, "repair", pattern, target)
    execute({"Fail": {"Type": "Fail", "Error": "States.Timeout"}})
    assert delivered("repair", 2)[1].error == ""
    (started,) = api.list_executions(stateMachineArn=machine)["executions"]
    answer = api.describe_execution(executionArn=started["executionArn"])
    assert json.loads(answer["input"]) == {"repair": True}
    client("events").disable_rule(Name="repair")


def test_training_jobs_tell_how_they_go(client: Client, make_role: MakeRole) -> None:
    arn = topic(client, "jobs")
    pattern = {
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobName": [{"prefix": "told--"}], "TrainingJobStatus": ["Stopped"]},
    }
    template = {
        "InputPathsMap": {"name": "$.detail.TrainingJobName", "why": "$.detail.FailureReason"},
        "InputTemplate": '"The job <name> was stopped<why>."',
    }
    rule(client, "jobs", pattern, {"Arn": arn, "InputTransformer": template})
    job = waiting_job(client, make_role, "told--1")
    client("sagemaker").create_training_job(**job)
    client("sagemaker").stop_training_job(TrainingJobName="told--1")
    assert delivered("jobs")[0].text == '"The job told--1 was stopped."'


def test_uploads_are_told_of_where_the_bucket_says_so(client: Client) -> None:
    arn = topic(client, "uploads")
    detail = {"bucket": {"name": ["told-uploads"]}, "object": {"key": [{"prefix": "audio/"}]}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    rule(client, "uploads", pattern, {"Arn": arn, "InputPath": "$.detail.object.key"})
    notify = {
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    }
    bucket = {"BucketName": "told-uploads", **notify}
    resource = {"Type": "AWS::S3::Bucket", "Properties": bucket}
    client("cloudformation").create_stack(
        StackName="uploads", TemplateBody=json.dumps({"Resources": {"B": resource}})
    )
    assert settled(client, "uploads") == "CREATE_COMPLETE"
    client("s3").create_bucket(Bucket="silent")
    for where in ("silent", "told-uploads"):
        client("s3").put_object(Bucket=where, Key="audio/a.wav", Body=b"x")
    client("s3").put_object(Bucket="told-uploads", Key="other/a.wav", Body=b"x")
    assert [d.text for d in delivered("uploads")] == ['"audio/a.wav"']


def test_a_schedule_of_a_template_starts_an_execution_with_its_role(
    client: Client, make_role: MakeRole
) -> None:
    definition = {"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": PASS}}
    machine = client("stepfunctions").create_state_machine(
        name="nightly",
        definition=json.dumps(definition),
        roleArn=make_role("nightly", "states.amazonaws.com"),
    )["stateMachineArn"]
    service = "scheduler.amazonaws.com"
    grant = {"Action": "states:StartExecution", "Resource": machine}
    properties = {
        "Name": "nightly",
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": machine,
            "RoleArn": make_role("nightly-schedule", service, grant),
            "Input": '{"data": "audio/"}',
        },
    }

    def template() -> str:
        resource = {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
        return json.dumps({"Resources": {"S": resource}})

    stack = client("cloudformation")
    stack.create_stack(StackName="nightly", TemplateBody=template())
    assert settled(client, "nightly") == "CREATE_COMPLETE"
    arn = scheduler.fire_schedule("nightly")["executionArn"]
    answer = client("stepfunctions").describe_execution(executionArn=arn)
    assert answer["input"] == '{"data": "audio/"}'
    properties["Target"]["RoleArn"] = make_role("nightly-refused", service)  # type: ignore[index]
    stack.update_stack(StackName="nightly", TemplateBody=template())
    assert settled(client, "nightly") == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="not authorized to perform: states:StartExecution"):
        scheduler.fire_schedule("nightly")
    stack.delete_stack(StackName="nightly")
    settled(client, "nightly")
    schedules = client("scheduler").list_schedules()["Schedules"]
    assert "nightly" not in {schedule["Name"] for schedule in schedules}
