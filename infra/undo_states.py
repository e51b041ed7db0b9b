"""Undoing a promotion that did not work: the endpoint serves again what it served before."""

from infra.jsonata import query
from infra.promotion_lock import NOBODY
from infra.reasons import sentence_of_error
from infra.states import RETRY, State, Surroundings, write_parameter

IN_PROGRESS = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack']"


def catch_and_undo(did: str, then: str = "Look at what it serves") -> list[State]:
    """Remember that `did` failed and why, and see what there is to undo."""
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "Assign": {"failure": query(sentence_of_error(did))},
            "Next": then,
        }
    ]


def undo_states(around: Surroundings) -> dict[str, State]:
    """From any failed step of a promotion to `Let others promote`."""
    name, sdk = around.settings.name, f"arn:{around.partition}:states:::aws-sdk:sagemaker"
    most_looks = around.settings.endpoint_update_minutes * 2
    anything = {"ErrorEquals": ["States.ALL"]}
    give_up = {"Assign": {"failure": query(_stuck(name))}, "Next": "Let others promote"}

    def remove(kind: str, which: str, then: str) -> State:
        return {
            "Type": "Task",
            "Resource": f"{sdk}:delete{kind}",
            "Arguments": {f"{kind}Name": query(which)},
            "Retry": RETRY,
            "Catch": [{**anything, "Next": then}],
            "Next": then,
        }

    return {
        "Record the former model": {
            **write_parameter(around, around.record, query("$served_url")),
            "Catch": [{**anything, "Next": "Look at what it serves"}],
            "Next": "Look at what it serves",
        },
        "Look at what it serves": {
            "Type": "Task",
            "Resource": f"{sdk}:describeEndpoint",
            "Arguments": {"EndpointName": name},
            "Assign": {"undo_looks": query("$undo_looks + 1")},
            "Output": {
                "moving": query(f"$states.result.EndpointStatus in {IN_PROGRESS}"),
                "as_before": query("$states.result.EndpointConfigName = $former_config"),
                # a deploy, which has brought what is recorded as served
                "by_others": query(
                    "$not($states.result.EndpointConfigName"
                    " in [$former_config, $serving_config, $config_name])"
                ),
            },
            "Retry": RETRY,
            "Catch": [{**anything, **give_up}],
            "Next": "Does it serve the former model?",
        },
        "Does it serve the former model?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query(f"$states.input.moving and $undo_looks < {most_looks}"),
                    "Next": "Give the endpoint time",
                },
                {
                    "Condition": query(
                        "($states.input.as_before or $states.input.by_others)"
                        " and $not($states.input.moving)"
                    ),
                    "Assign": {
                        "left": query(NOBODY),
                        "failure": query(
                            "$failure & ($failure = '' ? '' : $states.input.by_others"
                            " ? ' Meanwhile a deployment gave it another config.'"
                            " : $undone ? ' The endpoint serves again what it served before.' : '')"
                        ),
                    },
                    "Next": "Is there a config to remove?",
                },
                {
                    "Condition": query("$not($undone) and $not($states.input.moving)"),
                    "Next": "Bring the former model back",
                },
            ],
            "Default": give_up["Next"],
            "Assign": give_up["Assign"],
        },
        "Bring the former model back": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:updateEndpoint",
            "Arguments": {"EndpointName": name, "EndpointConfigName": query("$former_config")},
            "Assign": {"undone": True},
            "Retry": RETRY,
            "Catch": [{**anything, **give_up}],
            "Next": "Give the endpoint time",
        },
        "Give the endpoint time": {
            "Type": "Wait",
            "Seconds": query("$min([30, 2 + 2 * $undo_looks])"),
            "Next": "Look at what it serves",
        },
        "Is there a config to remove?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$config_name != ''"), "Next": "Remove the new config"},
                {"Condition": query("$model_name != ''"), "Next": "Remove the new model"},
            ],
            "Default": "Let others promote",
        },
        "Remove the new config": remove("EndpointConfig", "$config_name", "Remove the new model"),
        # an orphan costs nothing, and the next promotion removes it
        "Remove the new model": remove("Model", "$model_name", "Let others promote"),
    }


def _stuck(name: str) -> str:
    return f"""$trim($failure & ' The endpoint {name} could not be brought back to its former '
      & 'config ' & $former_config & ': look at it in the SageMaker console.')"""
