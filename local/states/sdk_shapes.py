"""Converts a state's JSON to the parameters of an SDK call, and the answer back to JSON.

The rules are those that LocalStack recorded on AWS (test_aws_sdk_task_service.snapshot.json):
s3:putObject stores the Body `text data` as `"text data"`, with its quotes, an object or a number
as its JSON; an object given for a text, such as the Input of sfn:startExecution, arrives as JSON;
s3:getObject gives a Body back as the text that it is.
"""

import datetime
import json
from typing import Any

from botocore.response import StreamingBody


class UnknownParameterError(Exception):
    """A parameter that the API does not have: Step Functions refuses it before it calls."""


def _as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def spelled(member: str) -> str:
    """Return a member's name as Step Functions spells it: `executionArn` is `ExecutionArn`."""
    return member[:1].upper() + member[1:]


def to_request(value: Any, shape: Any, path: str = "") -> Any:
    """Convert a state's JSON to boto3's parameters, following the service's model.

    Raises `UnknownParameterError` for a name that the structure does not have.
    """
    kind = shape.type_name
    if value is None:
        return None
    if (
        kind == "structure"
        and isinstance(value, dict)
        and not getattr(shape, "is_document_type", 0)
    ):
        members = {spelled(name): (name, part) for name, part in shape.members.items()}
        for name in value:
            if name not in members:
                field = f"{path}.{name}" if path else name
                raise UnknownParameterError(
                    f"The field '{field}' is not supported by Step Functions"
                )
        return {
            members[name][0]: to_request(part, members[name][1], f"{path}.{name}" if path else name)
            for name, part in value.items()
            if part is not None  # the Java SDK takes null for a value that is not set
        }
    if kind == "list" and isinstance(value, list):
        return [to_request(item, shape.member, path) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_request(item, shape.value, path) for key, item in value.items()}
    if kind == "blob":
        return _as_json(value).encode()
    if kind == "string" and not isinstance(value, str):
        return _as_json(value)
    return value


def to_answer(value: Any, shape: Any) -> Any:
    """Return an SDK's answer as JSON data in Step Functions' spelling; bytes become text."""
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime.datetime):
        at = value.astimezone(datetime.UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if shape is not None and shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {spelled(name): to_answer(part, members.get(name)) for name, part in value.items()}
    if shape is not None and shape.type_name == "list" and isinstance(value, list):
        return [to_answer(item, shape.member) for item in value]
    if shape is not None and shape.type_name == "map" and isinstance(value, dict):
        return {key: to_answer(item, shape.value) for key, item in value.items()}
    return value
