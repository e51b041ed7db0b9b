"""Before anything costs money: the input must be right, and what it names must be there."""

from typing import Any

from infra import request
from infra.jsonata import legal_name, query
from infra.states import RETRY, State, Surroundings, catch_all, read_parameter

# every variable has a value before a state reads it
BEGINNING: dict[str, Any] = {
    "attempts": [],
    "type_index": 0,
    "baseline": "",
    "comparing": False,
    "summary": {},
    "verdict": {},
    "served_url": "",
    "former_config": "",
    "model_name": "",
    "config_name": "",
    "failure": "",
    "waits": 0,
    "looks": 0,
    "undo_looks": 0,
    "undone": False,
}
SOUNDS = ("wav", "flac", "ogg", "mp3", "npy")


def check_states(around: Surroundings) -> dict[str, State]:
    """From the first state to `Train the model` or, with a model given, `See who is promoting`."""
    names = ", ".join(SOUNDS[:-1])
    return {
        "Check the input": {
            "Type": "Pass",
            "Assign": {"problems": query(request.problems(around.hyperparameters, around.bucket))},
            "Next": "Is the input right?",
        },
        "Is the input right?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$count($problems) = 0"), "Next": "Fill in the defaults"},
            ],
            "Default": "Not started",
            "Output": {"sentence": query("$join($problems, ' ')")},
        },
        "Fill in the defaults": {
            "Type": "Pass",
            "Assign": {
                "request": query(request.complete(around.settings)),
                "run": query(legal_name(around.settings.name)),
                **BEGINNING,
            },
            "Next": "Is there a model already?",
        },
        "Is there a model already?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$exists($states.input.model)"), "Next": "Find the model"}
            ],
            "Default": "Find the sounds",
        },
        "Find the sounds": {
            **_list(around, "$request.data", most=100),
            "Output": {
                "sounds": query(f"""$count($filter($states.result.Contents, function($file) {{
                  $file.Size > 0 and $contains($file.Key, /\\.({"|".join(SOUNDS)})$/i)
                }}))"""),
                "more": query("$states.result.IsTruncated = true"),
            },
            "Catch": catch_all("Looking into the bucket", "Not started"),
            "Next": "Are there sounds?",
        },
        "Are there sounds?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$states.input.sounds > 0"), "Next": "Read what is served"},
                # the sounds may be on a later page: let the job look
                {"Condition": query("$states.input.more"), "Next": "Read what is served"},
            ],
            "Default": "Not started",
            "Output": {
                "sentence": query(
                    f"""'There is no sound under s3://{around.bucket}/' & $request.data
                    & ': upload {names} files there, or prepared .npy spectrograms, '
                    & 'or name another folder in the field data.'"""
                )
            },
        },
        "Read what is served": {
            **read_parameter(around, around.record),
            "Assign": {"baseline": query("$states.result.Parameter.Value")},
            "Catch": catch_all("Reading what is served", "Not started"),
            "Next": "Find the served model",
        },
        "Find the served model": {
            **_list(around, _key(around, "$baseline"), most=1),
            # a served model that was deleted from the bucket leaves nothing to compare with
            "Assign": {"comparing": query(_found(around, "$baseline"))},
            "Output": {},
            "Catch": catch_all("Looking into the bucket", "Not started"),
            "Next": "Train the model",
        },
        "Find the model": {
            **_list(around, _key(around, "$states.input.model"), most=1),
            "Assign": {
                "model_url": query("$states.input.model"),
                "found": query(_found(around, "$states.input.model")),
            },
            "Catch": catch_all("Looking into the bucket", "Not started"),
            "Next": "Is there such a model?",
        },
        "Is there such a model?": {
            "Type": "Choice",
            "Choices": [{"Condition": query("$found"), "Next": "See who is promoting"}],
            "Default": "Not started",
            "Output": {
                "sentence": query(
                    "'There is no model at ' & $model_url & ': name one that is in the bucket.'"
                )
            },
        },
    }


def _key(around: Surroundings, url: str) -> str:
    return f"$substringAfter({url}, 's3://{around.bucket}/')"


def _found(around: Surroundings, url: str) -> str:
    return f"""$count($filter($states.result.Contents, function($file) {{
      's3://{around.bucket}/' & $file.Key = {url}
    }})) > 0"""


def _list(around: Surroundings, prefix: str, *, most: int) -> State:
    # not more than `most`: what a state hands on may have 256 KB
    return {
        "Type": "Task",
        "Resource": f"arn:{around.partition}:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": {"Bucket": around.bucket, "Prefix": query(prefix), "MaxKeys": most},
        "Retry": RETRY,
    }
