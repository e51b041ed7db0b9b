"""The state machine, state by state: the graph that one sees in the console.

Plain Amazon States Language in a dict, so that it reads like AWS's documentation and its
expressions can be tried without a deployment. Only values that no expression can know come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import reasons, request
from infra.endpoint import VARIANT
from infra.images import Images
from infra.jsonata import legal_name, literal, query
from infra.settings import OUTPUT, Settings

State = dict[str, Any]

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
SOUNDS = ("wav", "flac", "ogg", "mp3", "npy")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the states name: fixed at synth, or a token that CloudFormation fills in."""

    region: str
    partition: str
    bucket: str
    role_arn: str
    source_url: str  # of sourcedir.tar.gz
    parameter: str  # SSM parameter that says what is served
    images: Images
    settings: Settings
    hyperparameters: Mapping[str, Mapping[str, Any]]  # name -> JSON Schema
    metrics: tuple[str, ...]  # what train.py prints as name=number


def definition(to: Surroundings) -> State:
    """Write the whole definition, in Amazon States Language."""
    return {
        "Comment": "Train on the sounds in the bucket and serve what was learned",
        "QueryLanguage": "JSONata",
        "StartAt": "Check the input",
        "States": {
            **_checking(to),
            **_training(to),
            **_promoting(to),
            "Not started": _fail("SoundVae.NotStarted"),
            "Training failed": _fail("SoundVae.TrainingFailed"),
            "Promotion failed": _fail("SoundVae.PromotionFailed"),
        },
    }


def _checking(to: Surroundings) -> dict[str, State]:
    names = ", ".join(SOUNDS[:-1])
    return {
        "Check the input": {
            "Type": "Pass",
            "Assign": {"problems": query(request.problems(to.hyperparameters, to.bucket))},
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
            "Assign": {"request": query(request.complete(to.settings)), "attempts": []},
            "Next": "Find the sounds",
        },
        "Find the sounds": {
            **_list(to, "$request.data", most=100),
            "Output": {
                "sounds": query(f"""$count($filter($states.result.Contents, function($file) {{
                  $file.Size > 0 and $contains($file.Key, /\\.({"|".join(SOUNDS)})$/i)
                }}))"""),
                "more": query("$states.result.IsTruncated = true"),
            },
            "Catch": _catch("Looking into the bucket", "Not started"),
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
                    f"""'There is no sound under s3://{to.bucket}/' & $request.data
                    & ': upload {names} files there, or prepared .npy spectrograms, '
                    & 'or name another folder in the field data.'"""
                )
            },
        },
        "Find the model": {
            **_list(to, f"$substringAfter($states.input.model, 's3://{to.bucket}/')", most=1),
            "Assign": {
                "model_url": query("$states.input.model"),
                "found": query(f"""$count($filter($states.result.Contents, function($file) {{
                  's3://{to.bucket}/' & $file.Key = $states.input.model
                }})) > 0"""),
                "summary": {},
            },
            "Catch": _catch("Looking into the bucket", "Not started"),
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


def _training(to: Surroundings) -> dict[str, State]:
    instance_type = "$request.instance_types[$count($attempts)]"
    fixed = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": to.source_url,
        "sagemaker_region": to.region,
    }
    return {
        "Train the model": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::sagemaker:createTrainingJob.sync",
            "Arguments": {
                "TrainingJobName": query(legal_name(to.settings.name)),
                "RoleArn": to.role_arn,
                "AlgorithmSpecification": {
                    "TrainingImage": query(
                        f"$contains({instance_type}, /^ml\\.[gp][0-9]/) "
                        f"? {literal(to.images.training_gpu)} : {literal(to.images.training_cpu)}"
                    ),
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [
                        {"Name": name, "Regex": rf"\b{name}=([-+0-9.eE]+)"} for name in to.metrics
                    ],
                },
                "HyperParameters": query(f"$merge([$request.hyperparameters, {literal(fixed)}])"),
                "InputDataConfig": [
                    {
                        "ChannelName": "data",
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": query(f"'s3://{to.bucket}/' & $request.data"),
                                "S3DataDistributionType": "FullyReplicated",
                            }
                        },
                    }
                ],
                "OutputDataConfig": {"S3OutputPath": f"s3://{to.bucket}/{OUTPUT.rstrip('/')}"},
                "ResourceConfig": {
                    "InstanceCount": 1,
                    "InstanceType": query(instance_type),
                    "VolumeSizeInGB": to.settings.training_volume_gb,
                },
                "StoppingCondition": {
                    "MaxRuntimeInSeconds": query("$request.max_runtime_minutes * 60")
                },
                "Tags": [{"Key": "sound-vae", "Value": to.settings.name}],
            },
            "Assign": {
                "model_url": query("$states.result.ModelArtifacts.S3ModelArtifacts"),
                "summary": query(f"""{{
                  'training_job': $states.result.TrainingJobName,
                  'instance_type': {instance_type},
                  'training_seconds': $states.result.TrainingTimeInSeconds,
                  'billable_seconds': $states.result.BillableTimeInSeconds,
                  'metrics': $merge([
                    {{}}, $states.result.FinalMetricDataList.{{MetricName: Value}}
                  ])
                }}"""),
            },
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"attempts": query(reasons.training_attempt())},
                    "Next": "Is another instance worth a try?",
                }
            ],
            "Next": "Create the model",
        },
        "Is another instance worth a try?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query(
                        "$attempts[-1].elsewhere "
                        "and $count($attempts) < $count($request.instance_types)"
                    ),
                    "Next": "Train the model",
                }
            ],
            "Default": "Training failed",
            "Output": {"sentence": query(reasons.training_failure(to.region))},
        },
    }


def _promoting(to: Surroundings) -> dict[str, State]:
    endpoint = to.settings.name
    return {
        "Create the model": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::sagemaker:createModel",
            "Arguments": {
                "ModelName": query(legal_name(to.settings.name)),
                "ExecutionRoleArn": to.role_arn,
                "PrimaryContainer": {
                    "Image": to.images.serving,
                    "ModelDataUrl": query("$model_url"),
                },
                "Tags": [{"Key": "sound-vae", "Value": to.settings.name}],
            },
            "Assign": {"model_name": query("$split($states.result.ModelArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": _catch("Creating the SageMaker model", "Promotion failed"),
            "Next": "Create the endpoint config",
        },
        "Create the endpoint config": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::sagemaker:createEndpointConfig",
            "Arguments": {
                "EndpointConfigName": query(legal_name(to.settings.name)),
                "ProductionVariants": [
                    {
                        "VariantName": VARIANT,
                        "ModelName": query("$model_name"),
                        "ServerlessConfig": {
                            "MemorySizeInMB": to.settings.endpoint_memory_mb,
                            "MaxConcurrency": to.settings.endpoint_max_concurrency,
                        },
                    }
                ],
                "Tags": [{"Key": "sound-vae", "Value": to.settings.name}],
            },
            "Assign": {"config_name": query("$split($states.result.EndpointConfigArn, '/')[-1]")},
            "Retry": RETRY,
            "Catch": _catch("Creating the endpoint config", "Promotion failed"),
            "Next": "Update the endpoint",
        },
        "Update the endpoint": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::sagemaker:updateEndpoint",
            "Arguments": {
                "EndpointName": endpoint,
                "EndpointConfigName": query("$config_name"),
            },
            "Assign": {"looks": 0},
            "Retry": RETRY,
            "Catch": _catch("Updating the endpoint", "Promotion failed"),
            "Next": "Give it time",
        },
        "Give it time": {
            "Type": "Wait",
            "Seconds": query("$min([30, 2 + 2 * $looks])"),
            "Next": "Look at the endpoint",
        },
        "Look at the endpoint": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::aws-sdk:sagemaker:describeEndpoint",
            "Arguments": {"EndpointName": endpoint},
            "Assign": {"looks": query("$looks + 1")},
            "Output": {
                "status": query("$states.result.EndpointStatus"),
                "config": query("'' & $states.result.EndpointConfigName"),
                "reason": query("'' & $states.result.FailureReason"),
            },
            "Retry": RETRY,
            "Catch": _catch("Waiting for the endpoint", "Promotion failed"),
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
                        f"and $looks < {looks_within(to.settings.endpoint_update_minutes)}"
                    ),
                    "Next": "Give it time",
                },
            ],
            "Default": "Promotion failed",
            "Output": {
                "sentence": query(f"""(
                  {reasons.SENTENCE}
                  'The endpoint {endpoint} does not serve the new model (' & $states.input.status
                    & '): ' & ($states.input.reason != '' ? $sentence($states.input.reason)
                      : $states.input.status in ['Updating', 'SystemUpdating', 'Creating']
                      ? 'it took longer than {to.settings.endpoint_update_minutes} minutes'
                      : 'AWS gave no reason') & '.'
                )""")
            },
        },
        "Record what is served": {
            "Type": "Task",
            "Resource": f"arn:{to.partition}:states:::aws-sdk:ssm:putParameter",
            "Arguments": {
                "Name": to.parameter,
                "Value": query("$model_url"),
                "Type": "String",
                "Overwrite": True,
            },
            "Output": query(f"""$merge([
              {{'endpoint': '{endpoint}', 'model': $model_url, 'endpoint_config': $config_name}},
              $summary
            ])"""),
            "Retry": RETRY,
            "Catch": _catch("Recording what is served", "Promotion failed"),
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


def _list(to: Surroundings, prefix: str, *, most: int) -> State:
    # not more than `most`: what a state hands on may have 256 KB
    return {
        "Type": "Task",
        "Resource": f"arn:{to.partition}:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": {"Bucket": to.bucket, "Prefix": query(prefix), "MaxKeys": most},
        "Retry": RETRY,
    }


def _catch(did: str, then: str) -> list[State]:
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "Output": {"sentence": query(reasons.sentence_of_error(did))},
            "Next": then,
        }
    ]


def _fail(error: str) -> State:
    return {"Type": "Fail", "Error": error, "Cause": query("$states.input.sentence")}
