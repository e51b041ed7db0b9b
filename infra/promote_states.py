"""Making the endpoint serve a model, and writing down that it does."""

from infra.endpoint import VARIANT
from infra.jsonata import legal_name, query
from infra.reasons import SENTENCE
from infra.states import RETRY, State, Surroundings, catch_all


def promote_states(around: Surroundings) -> dict[str, State]:
    """From a model archive in the bucket to the record that it is served."""
    endpoint = around.settings.name
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
                "Tags": [{"Key": "sound-vae", "Value": around.settings.name}],
            },
            "Assign": {"model_name": query("$split($states.result.ModelArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": catch_all("Creating the SageMaker model", "Promotion failed"),
            "Next": "Create the endpoint config",
        },
        "Create the endpoint config": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:createEndpointConfig",
            "Arguments": {
                "EndpointConfigName": query(legal_name(around.settings.name)),
                "ProductionVariants": [
                    {
                        "VariantName": VARIANT,
                        "ModelName": query("$model_name"),
                        "ServerlessConfig": {
                            "MemorySizeInMB": around.settings.endpoint_memory_mb,
                            "MaxConcurrency": around.settings.endpoint_max_concurrency,
                        },
                    }
                ],
                "Tags": [{"Key": "sound-vae", "Value": around.settings.name}],
            },
            "Assign": {"config_name": query("$split($states.result.EndpointConfigArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": catch_all("Creating the endpoint config", "Promotion failed"),
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
            "Catch": catch_all("Updating the endpoint", "Promotion failed"),
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
            "Catch": catch_all("Waiting for the endpoint", "Promotion failed"),
            "Next": "Does it serve the new model?",
        },
        "Does it serve the new model?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query(
                        "$states.input.status = 'InService' and $states.input.config = $config_name"
                    ),
                    "Next": "Record what is served",
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
            "Default": "Promotion failed",
            "Output": {
                "sentence": query(f"""(
                  {SENTENCE}
                  'The endpoint {endpoint} does not serve the new model (' & $states.input.status
                    & '): ' & ($states.input.reason != '' ? $sentence($states.input.reason)
                      : $states.input.status in ['Updating', 'SystemUpdating', 'Creating']
                      ? 'it took longer than {around.settings.endpoint_update_minutes} minutes'
                      : 'AWS gave no reason') & '.'
                )""")
            },
        },
        "Record what is served": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::aws-sdk:ssm:putParameter",
            "Arguments": {
                "Name": around.parameter,
                "Value": query("$model_url"),
                "Type": "String",
                "Overwrite": True,
            },
            "Output": query(f"""$merge([
              {{'endpoint': '{endpoint}', 'model': $model_url, 'endpoint_config': $config_name}},
              $summary
            ])"""),
            "Retry": RETRY,
            "Catch": catch_all("Recording what is served", "Promotion failed"),
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    }


def looks_within(minutes: int) -> int:
    """Count the looks at the endpoint, 2, 4, 6 ... 30, 30 ... seconds apart, in `minutes`."""
    looks = passed = 0
    while passed < minutes * 60:
        passed += min(30, 2 + 2 * looks)
        looks += 1
    return looks
