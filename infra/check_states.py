"""Before anything costs money: the input must be right, and what it names must be there."""

from infra import request
from infra.jsonata import query
from infra.states import RETRY, State, Surroundings, catch_all

SOUNDS = ("wav", "flac", "ogg", "mp3", "npy")


def check_states(around: Surroundings) -> dict[str, State]:
    """From the first state to `Train the model` or, with a model given, `Create the model`."""
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
                {
                    "Condition": query("$count($problems) = 0 and $exists($states.input.model)"),
                    "Next": "Find the model",
                },
                {"Condition": query("$count($problems) = 0"), "Next": "Fill in the defaults"},
            ],
            "Default": "Not started",
            "Output": {"sentence": query("$join($problems, ' ')")},
        },
        "Fill in the defaults": {
            "Type": "Pass",
            "Assign": {"request": query(request.complete(around.settings)), "attempts": []},
            "Next": "Find the sounds",
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
                {"Condition": query("$states.input.sounds > 0"), "Next": "Train the model"},
                # the sounds may be on a later page: let the job look
                {"Condition": query("$states.input.more"), "Next": "Train the model"},
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
        "Find the model": {
            **_list(
                around, f"$substringAfter($states.input.model, 's3://{around.bucket}/')", most=1
            ),
            "Assign": {
                "model_url": query("$states.input.model"),
                "found": query(f"""$count($filter($states.result.Contents, function($file) {{
                  's3://{around.bucket}/' & $file.Key = $states.input.model
                }})) > 0"""),
                "summary": {},
            },
            "Catch": catch_all("Looking into the bucket", "Not started"),
            "Next": "Is there such a model?",
        },
        "Is there such a model?": {
            "Type": "Choice",
            "Choices": [{"Condition": query("$found"), "Next": "Create the model"}],
            "Default": "Not started",
            "Output": {
                "sentence": query(
                    "'There is no model at ' & $model_url & ': name one that is in the bucket.'"
                )
            },
        },
    }


def _list(around: Surroundings, prefix: str, *, most: int) -> State:
    # not more than `most`: what a state hands on may have 256 KB
    return {
        "Type": "Task",
        "Resource": f"arn:{around.partition}:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": {"Bucket": around.bucket, "Prefix": query(prefix), "MaxKeys": most},
        "Retry": RETRY,
    }
