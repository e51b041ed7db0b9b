"""What all states share: what they may name, how they retry, how they fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.jsonata import query
from infra.reasons import sentence_of_error
from infra.serving.images import Images
from infra.settings import Settings

State = dict[str, Any]

ME = "$states.context.Execution.Id"  # this execution's ARN

# a service that is busy or hiccups; a longer outage ends the execution with its reason
RETRY = [
    {
        "ErrorEquals": ["States.TaskFailed"],
        "IntervalSeconds": 2,
        "MaxAttempts": 2,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }
]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the states name: fixed at synth, or a token that CloudFormation fills in."""

    region: str
    partition: str
    bucket: str
    role_arn: str
    source_url: str  # of sourcedir.tar.gz
    record: str  # SSM parameter that says what is served
    lock: str  # SSM parameter that says who is promoting
    images: Images
    settings: Settings
    hyperparameters: Mapping[str, Mapping[str, Any]]  # name -> JSON Schema
    metrics: tuple[str, ...]  # what train.py prints as name=number


def tags(around: Surroundings) -> list[dict[str, str]]:
    """List the tags of what a state makes: those of the stack, and the stack's name."""
    chosen = [*around.settings.tags, f"sound-vae={around.settings.name}"]
    return [
        {"Key": key, "Value": value} for key, _, value in (tag.partition("=") for tag in chosen)
    ]


def read_parameter(around: Surroundings, name: str) -> State:
    """Begin a state that reads an SSM parameter: `$states.result.Parameter.Value`."""
    return {
        "Type": "Task",
        "Resource": f"arn:{around.partition}:states:::aws-sdk:ssm:getParameter",
        "Arguments": {"Name": name},
        "Retry": RETRY,
    }


def write_parameter(around: Surroundings, name: str, value: str) -> State:
    """Begin a state that writes an SSM parameter, which then has the number `Version`."""
    return {
        "Type": "Task",
        "Resource": f"arn:{around.partition}:states:::aws-sdk:ssm:putParameter",
        "Arguments": {"Name": name, "Value": value, "Type": "String", "Overwrite": True},
        "Retry": RETRY,
    }


def catch_all(did: str, then: str) -> list[State]:
    """Go to the state `then`, saying that `did` failed and why."""
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "Output": {"sentence": query(sentence_of_error(did))},
            "Next": then,
        }
    ]


def fail(error: str) -> State:
    """End the execution with the sentence that the state before made."""
    return {"Type": "Fail", "Error": error, "Cause": query("$states.input.sentence")}
