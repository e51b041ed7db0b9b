"""The training job, on the first of the instance types that AWS lets us have."""

from infra import reasons
from infra.jsonata import legal_name, literal, query
from infra.settings import OUTPUT
from infra.states import State, Surroundings


def train_states(around: Surroundings) -> dict[str, State]:
    """Train, and try the next instance type if that may help."""
    images = around.images
    instance_type = "$request.instance_types[$count($attempts)]"
    fixed = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": around.source_url,
        "sagemaker_region": around.region,
    }
    return {
        "Train the model": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::sagemaker:createTrainingJob.sync",
            "Arguments": {
                "TrainingJobName": query(legal_name(around.settings.name)),
                "RoleArn": around.role_arn,
                "AlgorithmSpecification": {
                    "TrainingImage": query(
                        f"$contains({instance_type}, /^ml\\.[gp][0-9]/) "
                        f"? {literal(images.training_gpu)} : {literal(images.training_cpu)}"
                    ),
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [
                        {"Name": name, "Regex": rf"\b{name}=([-+0-9.eE]+)"}
                        for name in around.metrics
                    ],
                },
                "HyperParameters": query(f"$merge([$request.hyperparameters, {literal(fixed)}])"),
                "InputDataConfig": [
                    {
                        "ChannelName": "data",
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": query(f"'s3://{around.bucket}/' & $request.data"),
                                "S3DataDistributionType": "FullyReplicated",
                            }
                        },
                    }
                ],
                "OutputDataConfig": {"S3OutputPath": f"s3://{around.bucket}/{OUTPUT.rstrip('/')}"},
                "ResourceConfig": {
                    "InstanceCount": 1,
                    "InstanceType": query(instance_type),
                    "VolumeSizeInGB": around.settings.training_volume_gb,
                },
                "StoppingCondition": {
                    "MaxRuntimeInSeconds": query("$request.max_runtime_minutes * 60")
                },
                "Tags": [{"Key": "sound-vae", "Value": around.settings.name}],
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
            "Output": {"sentence": query(reasons.training_failure(around.region))},
        },
    }
