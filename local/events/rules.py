"""EventBridge: events of executions, jobs and buckets, and the rules that deliver them.

moto makes no events of executions and jobs, ignores whether a rule is disabled, and can reach
neither topics nor state machines.
"""

import contextlib
import datetime
import json
import queue
import threading
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from moto.events.models import Rule, events_backends
from moto.iam.access_control import PermissionResult
from moto.s3 import notifications
from moto.s3.models import FakeKey
from moto.s3.notifications import S3NotificationEvent
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)

from local.aws import client_as
from local.events.event_input import NotDeliveredError, input_for
from local.policies import as_list, decide
from local.sagemaker.training_job import TrainingJob
from local.states import express

SERVICE = "events.amazonaws.com"
EXECUTION_CHANGED = "Step Functions Execution Status Change"
JOB_CHANGED = "SageMaker Training Job State Change"


class Delivery(NamedTuple):
    """What a target of a rule got; `error` says why it got nothing."""

    rule: str
    target: str  # its ARN
    text: str
    error: str = ""


DELIVERIES: list[Delivery] = []
"""Every delivery since the start, those that failed as well."""

_waiting: "queue.Queue[Callable[[], None]]" = queue.Queue()
_worker: list[threading.Thread] = []


def _work() -> None:
    while True:
        task = _waiting.get()
        try:
            task()
        finally:
            _waiting.task_done()


def settle() -> None:
    """Wait until everything that was matched has been delivered."""
    _waiting.join()


def _milliseconds(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _milliseconds(part) for key, part in value.items()}
    return [_milliseconds(part) for part in value] if isinstance(value, list) else value


def publish(
    source: str, kind: str, detail: dict[str, Any], resources: list[str], where: tuple[str, str]
) -> None:
    """Offer an event to the rules of an account and region, `where`."""
    account, region = where
    rules = list(events_backends[account][region].event_buses["default"].rules.values())
    if not rules:
        return
    now = datetime.datetime.now(tz=datetime.UTC)
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": json.loads(to_json_str(_milliseconds(detail))),
    }
    for rule in rules:
        rule.send_to_targets(event)


def _offer(self: Rule, original_event: dict[str, Any], transform_input: bool = True) -> None:
    """Deliver an event to the rule's targets, in the background, if the rule is for it."""
    if self.state != "ENABLED" or self.event_pattern.get_pattern() == {}:
        return
    if not self.event_pattern.matches_event(original_event):
        return
    event = {key: value for key, value in original_event.items() if key != "ingestion-time"}
    if isinstance(event["time"], (int, float)):
        at = datetime.datetime.fromtimestamp(event["time"], tz=datetime.UTC)
        event["time"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not _worker:
        _worker.append(threading.Thread(target=_work, daemon=True))
        _worker[0].start()
    for target in list(self.targets):
        _waiting.put(lambda target=target: _deliver(self, target, event))  # type: ignore[misc]


def _deliver(rule: Rule, target: dict[str, Any], event: dict[str, Any]) -> None:
    text = ""
    try:
        text = input_for(target, event, rule.arn, rule.name)
        service = target["Arn"].split(":")[2]
        if service not in SENDERS:
            raise NotDeliveredError(f"The local stand-in delivers no events to {service}.")
        SENDERS[service](rule, target, text)
    except Exception as error:
        DELIVERIES.append(Delivery(rule.name, target["Arn"], text, str(error) or repr(error)))
    else:
        DELIVERIES.append(Delivery(rule.name, target["Arn"], text))


def _to_topic(rule: Rule, target: dict[str, Any], text: str) -> None:
    """Publish, if the topic's policy lets EventBridge do so: a rule has no role for a topic."""
    arn = target["Arn"]
    backend = sns_backends[rule.account_id][rule.region_name]
    topic = backend.get_topic(arn)
    statements = [
        s
        for s in as_list(json.loads(topic.policy)["Statement"])
        if SERVICE in as_list(dict(s.get("Principal") or {}).get("Service", []))
    ]
    context = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id}
    if decide(statements, "sns:Publish", arn, context) is not PermissionResult.PERMITTED:
        raise NotDeliveredError(f"The policy of {arn} does not let {SERVICE} publish.")
    backend.publish(message=text, arn=arn)


def _to_queue(rule: Rule, target: dict[str, Any], text: str) -> None:
    name = target["Arn"].rpartition(":")[2]
    sqs_backends[rule.account_id][rule.region_name].send_message(name, text)


def _to_state_machine(rule: Rule, target: dict[str, Any], text: str) -> None:
    """Start an execution with the target's role."""
    api = client_as(target["RoleArn"], SERVICE, "stepfunctions", rule.region_name)
    api.start_execution(stateMachineArn=target["Arn"], input=text)


SENDERS = {"sns": _to_topic, "sqs": _to_queue, "states": _to_state_machine}


def _execution_changed(execution: Execution, status: str) -> None:
    """Publish a change of an execution; "Express Workflows do not emit events to EventBridge".

    AWS's example of the event shows neither error nor cause; rules in the field read both from
    `$.detail`, so they are here, null where there is none.
    """
    if execution.sm_type == express.EXPRESS:
        return
    ended = execution.stop_date is not None
    succeeded = status == "SUCCEEDED"
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "output": to_json_str(execution.output, separators=(",", ":")) if succeeded else None,
        "outputDetails": {"included": True} if succeeded else None,
        "error": execution.error if ended else None,
        "cause": execution.cause if ended else None,
    }
    where = (execution.account_id, execution.region_name)
    publish("aws.states", EXECUTION_CHANGED, detail, [execution.exec_arn], where)


_start = Execution.start
_terminated = BaseExecutionWorkerCommunication.terminated


def _start_and_publish(self: Execution) -> None:
    _execution_changed(self, "RUNNING")  # before it can end
    _start(self)


def _terminate_and_publish(self: BaseExecutionWorkerCommunication) -> None:
    _terminated(self)
    _execution_changed(self.execution, self.execution.exec_status.value)


_show = TrainingJob._show


def _show_and_publish(self: TrainingJob, *args: Any, **more: Any) -> None:
    """Publish a training job as DescribeTrainingJob shows it, with times in milliseconds."""
    _show(self, *args, **more)
    record = self.record
    where = (record.arn.split(":")[4], self.region)
    publish("aws.sagemaker", JOB_CHANGED, record.response_object, [record.arn], where)


REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
}


def _object_changed(
    account_id: str, bucket: Any, event_name: S3NotificationEvent, key: Any
) -> None:
    """Publish it as https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html has it.

    Of deletions moto tells the last of an object alone, which may be that of a delete marker. It
    tells of tags at every PutObject, and AWS does not, so nothing else is published.
    """
    reason = REASONS.get(event_name.value.removeprefix("s3:"))
    if reason is None:
        return
    changed = {"key": key.name, "sequencer": uuid.uuid4().hex[:16]}
    if isinstance(key, FakeKey):
        changed["etag"] = key.etag.replace('"', "")
    kind = notifications._detail_type(event_name)
    is_deletion = kind == "Object Deleted"
    if not is_deletion:
        changed["size"] = key.size
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": changed,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": account_id,
        "source-ip-address": "127.0.0.1",
        "reason": reason,
        **({"deletion-type": "Permanently Deleted"} if is_deletion else {}),
    }
    publish("aws.s3", kind, detail, [bucket.arn], (account_id, bucket.region_name))


def install() -> None:
    """Replace moto's rules with these."""
    Rule.send_to_targets = _offer
    Execution.start = _start_and_publish
    BaseExecutionWorkerCommunication.terminated = _terminate_and_publish
    TrainingJob._show = _show_and_publish  # type: ignore[method-assign]
    notifications._send_event_bridge_message = _object_changed
    with contextlib.suppress(IndexError):
        _worker.pop()
