"""The training job, on the first of the instance types that AWS lets us have."""

from infra import reasons
from infra.jsonata import legal_name, literal, query
from infra.states import State, Surroundings, tags
from infra.storage.folders import CHECKPOINTS, OUTPUT

TRIES_WHEN_BUSY = 3  # of one instance type, when AWS only asks for patience


def train_states(around: Surroundings) -> dict[str, State]:
    """Train, and try the next instance type if that may help."""
    images = around.images
    instance_type = "$request.instance_types[$type_index]"
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
                "InputDataConfig": query(_channels(around)),
                "OutputDataConfig": {
                    "S3OutputPath": f"s3://{around.bucket}/{OUTPUT.rstrip('/')}",
                    **({"KmsKeyId": key} if (key := around.settings.kms_key_arn) else {}),
                },
                "ResourceConfig": {
                    "InstanceCount": 1,
                    "InstanceType": query(instance_type),
                    "VolumeSizeInGB": around.settings.training_volume_gb,
                },
                "EnableManagedSpotTraining": query("$request.spot"),
                "StoppingCondition": query(f"""$merge([
                  {{'MaxRuntimeInSeconds': $request.max_runtime_minutes * 60}},
                  $request.spot ? {{'MaxWaitTimeInSeconds':
                    ($request.max_runtime_minutes + {around.settings.spot_wait_minutes}) * 60
                  }} : {{}}
                ])"""),
                # one folder for all attempts: the next instance goes on where this one ended
                "CheckpointConfig": {
                    "S3Uri": query(f"'s3://{around.bucket}/{CHECKPOINTS}' & $run & '/'"),
                    "LocalPath": "/opt/ml/checkpoints",
                },
                "Tags": tags(around),
            },
            "Assign": {
                "model_url": query("$states.result.ModelArtifacts.S3ModelArtifacts"),
                "summary": query(f"""{{
                  'training_job': $states.result.TrainingJobName,
                  'instance_type': {instance_type},
                  'spot': $request.spot,
                  'training_seconds': $states.result.TrainingTimeInSeconds,
                  'billable_seconds': $states.result.BillableTimeInSeconds,
                  'report': $substringBefore(
                    $states.result.ModelArtifacts.S3ModelArtifacts, 'model.tar.gz'
                  ) & 'output.tar.gz',
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
            "Next": "May it be promoted?",
        },
        "Is another instance worth a try?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query(f"""$attempts[-1].busy
                      and $count($filter($attempts, function($attempt) {{
                        $attempt.busy and $attempt.instance_type = {instance_type}
                      }})) < {TRIES_WHEN_BUSY}"""),
                    "Next": "Give AWS time",
                },
                {
                    "Condition": query(
                        "$attempts[-1].elsewhere "
                        "and $type_index + 1 < $count($request.instance_types)"
                    ),
                    "Assign": {"type_index": query("$type_index + 1")},
                    "Next": "Train the model",
                },
            ],
            "Default": "Training failed",
            "Output": {"sentence": query(reasons.training_failure(around.region))},
        },
        "Give AWS time": {
            "Type": "Wait",
            "Seconds": query("20 * $count($attempts)"),
            "Next": "Train the model",
        },
    }


def _channels(around: Surroundings) -> str:
    """Write an expression for the job's inputs: the sounds, and the served model to beat."""

    def channel(name: str, url: str) -> str:
        return f"""{{
          'ChannelName': '{name}',
          'DataSource': {{'S3DataSource': {{
            'S3DataType': 'S3Prefix', 'S3Uri': {url}, 'S3DataDistributionType': 'FullyReplicated'
          }}}}
        }}"""

    data = channel("data", f"'s3://{around.bucket}/' & $request.data")
    return f"[$append([{data}], $comparing ? [{channel('served', '$baseline')}] : [])]"
