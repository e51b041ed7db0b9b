"""Making the endpoint serve a model, and writing down that it does."""

from infra.jsonata import legal_name, query
from infra.promotion_lock import NOBODY
from infra.reasons import SENTENCE
from infra.serving.endpoint import VARIANT
from infra.states import ME, RETRY, State, Surroundings, tags, write_parameter
from infra.undo_states import catch_and_undo

AUDIBLE = 0.01  # root mean square of a sound, of full scale


def promote_states(around: Surroundings) -> dict[str, State]:
    """From `Create the model` to the record that it is served."""
    endpoint = around.settings.name
    intention = "{'config': $config_name, 'former': $former_config, 'model': $model_url}"
    return {
        "Create the model": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:createModel",
            "Arguments": {
                "ModelName": query(legal_name(around.settings.name)),
                "ExecutionRoleArn": around.role_arn,
                "PrimaryContainer": {
                    "Image": around.images.serving,
                    "ModelDataUrl": query("$model_url"),
                },
                "Tags": tags(around),
            },
            "Assign": {"model_name": query("$split($states.result.ModelArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": catch_and_undo("Creating the SageMaker model"),
            "Next": "Create the endpoint config",
        },
        "Create the endpoint config": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:createEndpointConfig",
            "Arguments": {
                # begins with the model's name: a config and its model are known by their names
                "EndpointConfigName": query(
                    "$model_name & ($states.context.State.RetryCount = 0"
                    " ? '' : '-' & $states.context.State.RetryCount)"
                ),
                "ProductionVariants": [
                    {
                        "VariantName": VARIANT,
                        "ModelName": query("$model_name"),
                        "ServerlessConfig": query("$serverless"),
                    }
                ],
                "Tags": tags(around),
            },
            "Assign": {"config_name": query("$split($states.result.EndpointConfigArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": catch_and_undo("Creating the endpoint config"),
            "Next": "Note what is about to change",
        },
        "Note what is about to change": {
            # should this execution be aborted, the next one knows what to bring back
            **write_parameter(
                around, around.lock, query(f"$string($merge([{intention}, {{'execution': {ME}}}]))")
            ),
            "Assign": {"left": query(f"$merge([{intention}, {NOBODY}])")},
            "Catch": catch_and_undo("Noting what is about to change"),
            "Next": "Update the endpoint",
        },
        "Update the endpoint": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:updateEndpoint",
            "Arguments": {
                "EndpointName": endpoint,
                "EndpointConfigName": query("$config_name"),
            },
            "Assign": {"looks": 0},
            "Retry": RETRY,
            "Catch": catch_and_undo("Updating the endpoint"),
            "Next": "Give it time",
        },
        "Give it time": {
            "Type": "Wait",
            "Seconds": query("$min([30, 2 + 2 * $looks])"),
            "Next": "Look at the endpoint",
        },
        "Look at the endpoint": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::aws-sdk:sagemaker:describeEndpoint",
            "Arguments": {"EndpointName": endpoint},
            "Assign": {"looks": query("$looks + 1")},
            "Output": {
                "status": query("$states.result.EndpointStatus"),
                "config": query("'' & $states.result.EndpointConfigName"),
                "reason": query("'' & $states.result.FailureReason"),
            },
            "Retry": RETRY,
            "Catch": catch_and_undo("Waiting for the endpoint"),
            "Next": "Does it serve the new model?",
        },
        "Does it serve the new model?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query(
                        "$states.input.status = 'InService' and $states.input.config = $config_name"
                    ),
                    "Next": "Listen to it",
                },
                {
                    "Condition": query(
                        "$states.input.status in ['Creating', 'Updating', 'SystemUpdating', "
                        "'RollingBack'] "
                        f"and $looks < {looks_within(around.settings.endpoint_update_minutes)}"
                    ),
                    "Next": "Give it time",
                },
            ],
            "Default": "Look at what it serves",
            "Assign": {
                "failure": query(f"""(
                  {SENTENCE}
                  'The endpoint {endpoint} does not serve the new model (' & $states.input.status
                    & '): ' & ($states.input.reason != '' ? $sentence($states.input.reason)
                      : $states.input.status in ['Updating', 'SystemUpdating', 'Creating']
                      ? 'it took longer than {around.settings.endpoint_update_minutes} minutes'
                      : 'AWS gave no reason') & '.'
                )""")
            },
        },
        "Listen to it": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::aws-sdk:sagemakerruntime:invokeEndpoint",
            "Arguments": {
                "EndpointName": endpoint,
                "ContentType": "application/json",
                # without the sound itself, which may be longer than a state may receive
                "Accept": "application/json; wav=no",
                "Body": "{}",
            },
            "Output": {
                "audible": query(f"""(
              $sound := $parse($states.result.Body).sounds[0];
              $exists($sound.rms) ? $sound.rms > {AUDIBLE} : $exists($sound)
            )""")
            },
            "Retry": RETRY,
            "Catch": catch_and_undo("Asking the new model for a sound"),
            "Next": "Does it sound?",
        },
        "Does it sound?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$states.input.audible"), "Next": "Record what is served"}
            ],
            "Default": "Look at what it serves",
            "Assign": {"failure": "The new model answers with silence."},
        },
        "Record what is served": {
            **write_parameter(around, around.record, query("$model_url")),
            "Assign": {"left": query(NOBODY)},
            "Catch": catch_and_undo("Recording what is served", then="Record the former model"),
            "Next": "Find former configs",
        },
    }


def looks_within(minutes: int) -> int:
    """Count the looks at the endpoint, 2, 4, 6 ... 30, 30 ... seconds apart, in `minutes`."""
    looks = passed = 0
    while passed < minutes * 60:
        passed += min(30, 2 + 2 * looks)
        looks += 1
    return looks
