"""Every way through the state machine, with the definition of the synthesised template."""

import re
from collections.abc import Iterator
from typing import Any

import jsonata
import pytest

from infra.jsonata import legal_name, query
from tests.infra.evaluator import evaluate
from tests.infra.machine import ServiceError, run
from tests.infra.made_up_aws import Aws, failed_job

LEGAL = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")  # SageMaker's rule, in its ARNs' lower case
QUOTA = ServiceError(
    "SageMaker.AmazonSageMakerException",
    "The account-level service limit 'ml.g5.xlarge for training job usage' is 0 Instances, with "
    "current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service "
    "Quotas to request an increase for this quota. (Service: AmazonSageMaker; Status Code: 400; "
    "Error Code: ResourceLimitExceeded; Request ID: 1; Proxy: null)",
)
THROTTLED = ServiceError(
    "SageMaker.AmazonSageMakerException",
    "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException)",
)
REFUSED = ServiceError(
    "SageMaker.AmazonSageMakerException",
    "User is not authorized to perform: sagemaker:CreateTrainingJob (Service: AmazonSageMaker; "
    "Status Code: 400; Error Code: AccessDeniedException; Request ID: 1)",
)


CAPACITY = failed_job(
    FailureReason="CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)


NO_SPOT = failed_job(TrainingJobStatus="Stopped", SecondaryStatus="MaxWaitTimeExceeded")


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, str) and value.startswith("{%"):
        yield value[3:-3]


def test_the_console_s_default_input_trains_promotes_and_records(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    execution = run(definition, {"Comment": "Insert your JSON here"}, aws.services)
    assert execution.status == "SUCCEEDED", execution.cause
    (job,) = execution.calls_of("createTrainingJob.sync")
    (model,) = execution.calls_of("createModel")
    (config,) = execution.calls_of("createEndpointConfig")
    name = job["TrainingJobName"]
    artifact = f"s3://{bucket}/output/{name}/output/model.tar.gz"
    assert (
        job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{bucket}/audio/"
    )
    assert job["ResourceConfig"]["InstanceType"] == "ml.g5.xlarge"
    assert job["EnableManagedSpotTraining"] is False
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert model["PrimaryContainer"]["ModelDataUrl"] == artifact
    assert config["ProductionVariants"][0]["ModelName"] == model["ModelName"]
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {
        "MemorySizeInMB": 3072,
        "MaxConcurrency": 5,
    }
    assert aws.serves == config["EndpointConfigName"]
    assert aws.recorded == artifact
    assert execution.output == {
        "endpoint": "sound-vae",
        "model": artifact,
        "promoted": True,
        "why": "the served model was made for other sounds, so the two cannot be compared",
        "endpoint_config": aws.serves,
        "previous_model": aws.starter,
        "training_job": name,
        "instance_type": "ml.g5.xlarge",
        "spot": False,
        "training_seconds": 150,
        "billable_seconds": 60,
        "report": f"s3://{bucket}/output/{name}/output/output.tar.gz",
        "metrics": {"val_loss": -2.5},
    }


def test_a_model_in_the_bucket_is_promoted_without_training(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    aws.objects = [{"Key": "models/starter/model.tar.gz", "Size": 9}]
    url = f"s3://{bucket}/models/starter/model.tar.gz"
    execution = run(definition, {"model": url}, aws.services)
    assert execution.status == "SUCCEEDED", execution.cause
    assert not execution.calls_of("createTrainingJob.sync")
    assert aws.recorded == url
    assert execution.output["model"] == url


def test_a_model_that_is_not_there_is_named(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    url = f"s3://{bucket}/models/starter/model.tar.gz"
    for objects in ([], [{"Key": "models/starter/model.tar.gz.part", "Size": 1}]):
        aws.objects = objects
        execution = run(definition, {"model": url}, aws.services)
        assert execution.cause == f"There is no model at {url}: name one that is in the bucket."
        assert execution.states[-1] == "Not started"


def test_bad_input_starts_nothing(definition: dict[str, Any], aws: Aws) -> None:
    execution = run(definition, {"hyperparameters": {"epochs": "many"}, "gpu": 1}, aws.services)
    assert (execution.status, execution.error) == ("FAILED", "SoundVae.NotStarted")
    assert "hyperparameters.epochs must be" in execution.cause
    assert '"gpu" is not a field' in execution.cause
    assert execution.calls == []


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [{"Key": "audio/", "Size": 0}],
        [{"Key": "audio/readme.txt", "Size": 10}],
        [{"Key": "audio/empty.wav", "Size": 0}],
    ],
)
def test_a_folder_without_sounds_starts_nothing(
    definition: dict[str, Any], aws: Aws, bucket: str, objects: list[dict[str, Any]]
) -> None:
    aws.objects = objects
    execution = run(definition, {}, aws.services)
    assert execution.cause == (
        f"There is no sound under s3://{bucket}/audio/: upload wav, flac, ogg, mp3 files there, or "
        "prepared .npy spectrograms, or name another folder in the field data."
    )
    assert not execution.calls_of("createTrainingJob.sync")


def test_sounds_may_come_after_the_first_page(definition: dict[str, Any], aws: Aws) -> None:
    aws.objects, aws.truncated = [{"Key": "audio/0.txt", "Size": 1}], True
    assert run(definition, {}, aws.services).status == "SUCCEEDED"


@pytest.mark.parametrize("obstacle", [QUOTA, CAPACITY, NO_SPOT])
def test_the_next_instance_type_is_tried_when_one_is_not_to_be_had(
    definition: dict[str, Any], aws: Aws, obstacle: ServiceError
) -> None:
    aws.job_outcomes = [obstacle, obstacle]
    execution = run(definition, {}, aws.services)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    types = [job["ResourceConfig"]["InstanceType"] for job in jobs]
    assert types == ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge"]
    images = [job["AlgorithmSpecification"]["TrainingImage"].split(":")[1] for job in jobs]
    assert images == ["2.21-gpu-py312", "2.21-gpu-py312", "2.21-cpu-py312"]
    assert len({job["TrainingJobName"] for job in jobs}) == 3
    assert execution.output["instance_type"] == "ml.c5.2xlarge"


def test_when_aws_is_busy_the_same_type_is_tried_again_after_a_while_and_then_the_next(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.job_outcomes = [THROTTLED, THROTTLED, THROTTLED]
    execution = run(definition, {}, aws.services)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    types = [job["ResourceConfig"]["InstanceType"] for job in jobs]
    assert types == ["ml.g5.xlarge"] * 3 + ["ml.g4dn.xlarge"]
    assert len({job["TrainingJobName"] for job in jobs}) == 4
    assert execution.states.count("Give AWS time") == 2


def test_every_attempt_of_an_execution_goes_on_from_the_same_checkpoints(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    folders = []
    for name in ("first", "second"):
        aws.job_outcomes = [NO_SPOT, CAPACITY]
        jobs = run(definition, {}, aws.services, name=name).calls_of("createTrainingJob.sync")
        (folder,) = {job["CheckpointConfig"]["S3Uri"] for job in jobs}
        assert {job["CheckpointConfig"]["LocalPath"] for job in jobs} == {"/opt/ml/checkpoints"}
        folders.append(folder)
    assert len(set(folders)) == 2  # another execution begins anew
    assert all(folder.startswith(f"s3://{bucket}/checkpoints/sound-vae--") for folder in folders)


def test_without_spot_nothing_is_waited_for(definition: dict[str, Any], aws: Aws) -> None:
    given = {"spot": False, "max_runtime_minutes": 5}
    execution = run(definition, given, aws.services)
    (job,) = execution.calls_of("createTrainingJob.sync")
    assert job["EnableManagedSpotTraining"] is False
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert execution.output["spot"] is False


def test_when_none_is_to_be_had_every_attempt_is_listed_with_where_to_raise_the_quota(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.job_outcomes = [QUOTA, CAPACITY]
    given = {"instance_types": ["ml.g5.xlarge", "ml.g4dn.xlarge"]}
    execution = run(definition, given, aws.services)
    assert execution.error == "SoundVae.TrainingFailed"
    assert execution.cause == (
        "Training failed on ml.g5.xlarge: The account-level service limit 'ml.g5.xlarge for "
        "training job usage' is 0 Instances, with current utilization of 0 Instances and a request "
        "delta of 1 Instances; on ml.g4dn.xlarge (job the-job): CapacityError: Unable to provision "
        "requested ML compute capacity. Please retry using a different ML instance type. A quota "
        "of 0 is raised at https://us-east-1.console.aws.amazon.com/servicequotas/home/services/"
        'sagemaker/quotas (look for "training job usage").'
    )


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (
            failed_job(FailureReason="AlgorithmError: No clip is longer than 1 s., exit code: 1"),
            " (job the-job): No clip is longer than 1 s.",
        ),
        (
            failed_job(
                FailureReason="AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
                'ErrorMessage "a warning\nerror: "many" is no number."\n'
                'Command "/usr/bin/python3 train.py --epochs 3", exit code: 1'
            ),
            ' (job the-job): "many" is no number.',
        ),
        (
            failed_job(
                FailureReason="AlgorithmError: ExecuteUserScriptError:\nExitCode -9\n"
                'ErrorMessage ""\nCommand "/usr/bin/python3 train.py", exit code: 137'
            ),
            " (job the-job): AWS gave no reason.",
        ),
        (
            failed_job(FailureReason="AlgorithmError: ThrottlingException in the script"),
            " (job the-job): ThrottlingException in the script.",
        ),
        (
            failed_job(TrainingJobStatus="Stopped", SecondaryStatus="MaxRuntimeExceeded"),
            " (job the-job): it did not finish within max_runtime_minutes = 60.",
        ),
        (
            failed_job(TrainingJobStatus="Stopped", SecondaryStatus="Stopped", FailureReason=None),
            " (job the-job): it was stopped.",
        ),
        (REFUSED, ": User is not authorized to perform: sagemaker:CreateTrainingJob."),
        (ServiceError("States.Timeout"), ": States.Timeout."),
    ],
)
def test_a_failed_job_is_not_tried_elsewhere_and_its_own_sentence_is_the_cause(
    definition: dict[str, Any], aws: Aws, outcome: ServiceError, reason: str
) -> None:
    aws.job_outcomes = [outcome]
    execution = run(definition, {}, aws.services)
    assert execution.cause == f"Training failed on ml.g5.xlarge{reason}"
    assert len(execution.calls_of("createTrainingJob.sync")) == 1
    assert aws.serves == "ServingConfig-1"
    assert aws.recorded == aws.starter


@pytest.mark.parametrize(
    "name",
    [
        "5d9b1c3e-1111-2222-3333-444455556666",
        "a",
        "_" * 80,
        "ü" * 80,
        "A" * 80,
        "-starts-and-ends-",
        "Tuesday's_2nd.run+again@home=(x)!",
        "9" * 80,
    ],
)
def test_everything_gets_a_legal_name_whatever_the_execution_is_called(
    definition: dict[str, Any], aws: Aws, name: str
) -> None:
    aws.job_outcomes = [QUOTA]
    execution = run(definition, {}, aws.services, name=name)
    names = [
        given[key]
        for action, key in (
            ("createTrainingJob.sync", "TrainingJobName"),
            ("createModel", "ModelName"),
            ("createEndpointConfig", "EndpointConfigName"),
        )
        for given in execution.calls_of(action)
    ]
    assert len(set(names)) == 3  # two jobs; config and model are known by the same name
    for made in names:
        assert LEGAL.fullmatch(made + "-9"), made  # the number of a retry
        assert made.startswith("sound-vae--")  # or the role would not be allowed to make it


def test_no_two_attempts_share_a_name() -> None:
    expression = query(legal_name("x" * 24))
    contexts = [
        {
            "Execution": {"Id": f"arn:{run}", "Name": "n" * 80},
            "State": {"Name": state, "EnteredTime": entered, "RetryCount": retry},
        }
        for run in ("a", "b")
        for state in ("Train the model", "Create the model")
        for entered in ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
        for retry in (0, 1)
    ]
    names = [evaluate(expression, states={"context": context}) for context in contexts]
    assert len(set(names)) == len(contexts)
    assert all(LEGAL.fullmatch(name + "-9") for name in names)


def test_every_metric_that_train_py_prints_is_found_in_its_log(
    definition: dict[str, Any], aws: Aws
) -> None:
    (job,) = run(definition, {}, aws.services).calls_of("createTrainingJob.sync")
    found = job["AlgorithmSpecification"]["MetricDefinitions"]
    line = "epoch=3 " + " ".join(f"{metric['Name']}=-{i}.5e-3" for i, metric in enumerate(found))
    for i, metric in enumerate(found):
        assert re.findall(metric["Regex"], line) == [f"-{i}.5e-3"], metric
    assert "val_loss" in {metric["Name"] for metric in found}
    assert len(found) <= 40  # SageMaker's limit


def test_the_graph_is_whole_and_every_call_has_a_catch(definition: dict[str, Any]) -> None:
    states = definition["States"]
    for name, state in states.items():
        assert len(name) <= 80
        followers = [state.get("Next"), state.get("Default")]
        followers += [rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])]
        assert set(followers) - {None} <= set(states), name
        if state["Type"] in ("Task", "Map"):
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_expressions_parse_and_avoid_what_step_functions_forbids(
    definition: dict[str, Any],
) -> None:
    found = list(expressions(definition))
    assert len(found) > 30
    for expression in found:
        jsonata.Jsonata(expression)
        bare = re.sub(r"'[^']*'|\"(\\.|[^\"\\])*\"|/(\\.|[^/\\\n])+/", "", expression)
        assert not re.search(r"\$(?![A-Za-z_])|\$eval", bare), expression
