"""From the input to a trained model: every way through, with the synthesised definition."""

import re
from typing import Any

import pytest

from infra.pipeline.definition import expression
from infra.pipeline.run_name import run_name_values
from infra.pipeline.training_and_promotion import SOUNDS
from infra.settings import Settings
from sound_vae.data.folder import AUDIO_SUFFIXES
from sound_vae.data.report import DataReport, Skipped
from sound_vae.log import figures_line
from tests.infra.pipeline.evaluator import evaluate
from tests.infra.pipeline.machine import ServiceError, run
from tests.infra.pipeline.made_up_aws import Aws, failed_job

LEGAL = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")  # SageMaker's rule, in its ARNs' lower case


def no_quota(name: str) -> ServiceError:
    return ServiceError(
        "SageMaker.ResourceLimitExceededException",
        f"The account-level service limit '{name}' is 0 Instances, with current utilization of 0 "
        "Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an "
        "increase for this quota. (Service: AmazonSageMaker; Status Code: 400; Error Code: "
        "ResourceLimitExceeded; Request ID: 1; Proxy: null)",
    )


QUOTA = no_quota("ml.g5.xlarge for training job usage")
THROTTLED = ServiceError(
    "SageMaker.AmazonSageMakerException",
    "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException)",
)
UNANSWERED = ServiceError(
    "SageMaker.SdkClientException", "Unable to execute HTTP request: Connection reset"
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


# stopped by the state machine, as it had waited for too long
NO_SPOT = failed_job(TrainingJobStatus="Stopped", SecondaryStatus="Stopped")
SPOT_WAIT = Settings().spot_wait_minutes


def test_the_console_s_default_input_trains_promotes_and_records(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    execution = run(definition, {"Comment": "Insert your JSON here"}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    (job,) = execution.calls_of("createTrainingJob.sync")
    (model,) = execution.calls_of("createModel")
    (config,) = execution.calls_of("createEndpointConfig")
    name = job["TrainingJobName"]
    artifact = f"s3://{bucket}/output/{name}/output/model.tar.gz"
    data = job["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert data["S3Uri"] == f"s3://{bucket}/audio/"
    assert job["ResourceConfig"]["InstanceType"] == "ml.g5.xlarge"
    assert job["EnableManagedSpotTraining"] is False
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert config["ProductionVariants"][0]["ModelName"] == model["ModelName"]
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {
        "MemorySizeInMB": 3072,
        "MaxConcurrency": 5,
    }
    assert aws.serves == config["EndpointConfigName"]
    assert execution.output == {
        "endpoint": "sound-vae",
        "model": aws.recorded,
        "promoted": True,
        "why": "it takes the place of the starter, which was made for other sounds",
        "endpoint_config": aws.serves,
        "previous_model": {"model": aws.starter},
        "training_job": name,
        "instance_type": "ml.g5.xlarge",
        "spot": False,
        "instance_count": 1,
        "training_seconds": 150,
        "billable_seconds": 60,
        "report": artifact.replace("model.tar.gz", "output.tar.gz"),
        "metrics": {"val_loss": -2.5},
        "data": {"files": 2, "clips": 2, "warnings": []},
        "preparation": {
            "prepares": False,
            "why": "there are 2 sounds, and it pays from 100000 on",
        },
    }


def test_a_model_in_the_bucket_is_promoted_without_training(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    aws.objects = [{"Key": "models/starter/model.tar.gz", "Size": 9}]
    url = f"s3://{bucket}/models/starter/model.tar.gz"
    execution = run(definition, {"model": url}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    assert not execution.calls_of("createTrainingJob.sync")
    (copy,) = execution.calls_of("copyObject")
    assert copy["CopySource"] == f"{bucket}/models/starter/model.tar.gz"
    assert aws.recorded == execution.output["model"] != url


def test_a_model_that_is_not_there_is_named(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    url = f"s3://{bucket}/models/starter/model.tar.gz"
    for objects in ([], [{"Key": "models/starter/model.tar.gz.part", "Size": 1}]):
        aws.objects = objects
        execution = run(definition, {"model": url}, aws.account)
        assert execution.cause == f"There is no model at {url}: name one that is in the bucket."
        assert execution.error == "SoundVae.WrongInput"


def test_bad_input_starts_nothing(definition: dict[str, Any], aws: Aws) -> None:
    execution = run(definition, {"hyperparameters": {"epochs": "many"}, "gpu": 1}, aws.account)
    assert (execution.status, execution.error) == ("FAILED", "SoundVae.WrongInput")
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
    execution = run(definition, {}, aws.account)
    assert execution.cause == (
        f"There is no sound under s3://{bucket}/audio/ and training needs at least 2: upload wav, "
        "flac, ogg, mp3, aiff files there, or prepared .npy spectrograms, or name another folder "
        "in the field data."
    )
    assert not execution.calls_of("createTrainingJob.sync")


def test_the_kinds_of_files_that_are_counted_are_those_that_training_reads() -> None:
    assert {f".{suffix}" for suffix in SOUNDS} == AUDIO_SUFFIXES | {".npy"}


def test_a_single_sound_is_found_out_before_anything_costs_money(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    aws.objects = [{"Key": "audio/only.wav", "Size": 9}]
    execution = run(definition, {}, aws.account)
    assert execution.error == "SoundVae.WrongInput"
    assert execution.cause.startswith(
        f"There is only one sound under s3://{bucket}/audio/ and training needs at least 2"
    )
    assert not execution.calls_of("createTrainingJob.sync")


def test_sounds_may_come_after_the_first_page(definition: dict[str, Any], aws: Aws) -> None:
    others = [{"Key": f"audio/{number:04}.txt", "Size": 1} for number in range(450)]
    aws.objects += others
    for prepare in ("auto", "never"):
        assert run(definition, {"prepare": prepare}, aws.account).status == "SUCCEEDED"


@pytest.mark.parametrize("obstacle", [QUOTA, CAPACITY])
def test_the_next_instance_type_is_tried_when_one_is_not_to_be_had(
    definition: dict[str, Any], aws: Aws, obstacle: ServiceError
) -> None:
    aws.job_outcomes = [obstacle, obstacle]
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    types = [job["ResourceConfig"]["InstanceType"] for job in jobs]
    assert types == ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge"]
    images = [job["AlgorithmSpecification"]["TrainingImage"].split(":")[1] for job in jobs]
    assert images == ["2.21-gpu-py312", "2.21-gpu-py312", "2.21-cpu-py312"]
    assert len({job["TrainingJobName"] for job in jobs}) == 3
    assert execution.output["instance_type"] == "ml.c5.2xlarge"


def test_several_machines_get_a_share_of_the_sounds_each_and_the_rest_whole(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.objects += [{"Key": f"audio/{number}.wav", "Size": 9} for number in range(8)]
    execution = run(definition, {"instance_count": 4}, aws.account)
    assert execution.output["instance_count"] == 4
    (job,) = execution.calls_of("createTrainingJob.sync")
    assert job["ResourceConfig"]["InstanceCount"] == 4
    assert job["EnableInterContainerTrafficEncryption"] is True
    assert job["HyperParameters"]["sagemaker_multi_worker_mirrored_strategy_enabled"] == "true"
    distribution = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3DataDistributionType"]
        for channel in job["InputDataConfig"]
    }
    assert distribution == {"data": "ShardedByS3Key", "served": "FullyReplicated"}


def test_one_machine_is_told_of_no_other(definition: dict[str, Any], aws: Aws) -> None:
    (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
    assert job["ResourceConfig"]["InstanceCount"] == 1
    assert job["EnableInterContainerTrafficEncryption"] is False
    assert not any("strategy" in name for name in job["HyperParameters"])
    for channel in job["InputDataConfig"]:
        source = channel["DataSource"]["S3DataSource"]
        assert source["S3DataDistributionType"] == "FullyReplicated"


def test_fewer_sounds_than_machines_can_share_are_found_out_before_anything_costs_money(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    aws.objects = [{"Key": f"audio/{number}.wav", "Size": 9} for number in range(7)]
    execution = run(definition, {"instance_count": 4}, aws.account)
    assert execution.error == "SoundVae.WrongInput"
    assert execution.cause.startswith(
        f"There are only 7 sounds under s3://{bucket}/audio/ and training on 4 machines needs at "
        "least 8: "
    )
    assert not execution.calls_of("createTrainingJob.sync")


@pytest.mark.parametrize(
    "reason",
    [
        "AlgorithmError: , exit code: 137",
        "AlgorithmError: a machine of the cluster was lost; what it had learnt is in the "
        "checkpoint, exit code: 1",
        "InternalServerError: We encountered an internal error. Please try again.",
    ],
)
def test_a_job_that_lost_a_machine_begins_again_on_the_same_type_at_most_twice(
    definition: dict[str, Any], aws: Aws, reason: str
) -> None:
    lost = failed_job(FailureReason=reason)
    aws.objects += [{"Key": f"audio/{number}.wav", "Size": 9} for number in range(4)]
    aws.job_outcomes = [lost, lost]
    execution = run(definition, {"instance_count": 2}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    assert [job["ResourceConfig"]["InstanceType"] for job in jobs] == ["ml.g5.xlarge"] * 3
    assert len({job["CheckpointConfig"]["S3Uri"] for job in jobs}) == 1
    aws.job_outcomes = [lost] * 4
    execution = run(definition, {"instance_count": 2}, aws.account)
    assert execution.error == "SoundVae.TrainingFailed"
    assert len(execution.calls_of("createTrainingJob.sync")) == 3


def test_a_killed_program_on_one_machine_would_be_killed_again(
    definition: dict[str, Any], aws: Aws
) -> None:
    killed = "AlgorithmError: , exit code: 137"
    aws.job_outcomes = [failed_job(FailureReason=killed)]
    execution = run(definition, {}, aws.account)
    assert execution.error == "SoundVae.TrainingFailed"
    assert len(execution.calls_of("createTrainingJob.sync")) == 1


def test_when_aws_is_busy_the_same_type_is_tried_again_after_a_while_and_then_the_next(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.job_outcomes = [THROTTLED, THROTTLED, THROTTLED]
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    types = [job["ResourceConfig"]["InstanceType"] for job in jobs]
    assert types == ["ml.g5.xlarge"] * 3 + ["ml.g4dn.xlarge"]
    assert len({job["TrainingJobName"] for job in jobs}) == 4
    assert execution.states.count("Give AWS time") == 2


@pytest.mark.parametrize("known", [True, False])
def test_a_job_that_may_have_begun_though_its_request_was_never_answered_is_stopped_first(
    definition: dict[str, Any], aws: Aws, known: bool
) -> None:
    aws.job_outcomes = [UNANSWERED]
    if not known:
        aws.errors["stopTrainingJob"] = ServiceError(
            "SageMaker.SageMakerException", "Requested resource not found."
        )
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    first, second = (job["TrainingJobName"] for job in execution.calls_of("createTrainingJob.sync"))
    assert first != second
    assert [call["TrainingJobName"] for call in execution.calls_of("stopTrainingJob")] == [first]
    stop, again = execution.states.index("Stop what may have begun"), len(execution.states)
    assert stop < again - execution.states[::-1].index("Train the model") - 1


@pytest.mark.parametrize(
    "obstacle", [no_quota("ml.g5.xlarge for spot training job usage"), CAPACITY, NO_SPOT]
)
def test_a_type_without_spare_capacity_or_spot_quota_is_tried_on_demand_before_the_next(
    definition: dict[str, Any], aws: Aws, obstacle: ServiceError
) -> None:
    aws.job_outcomes = [obstacle, CAPACITY, obstacle]
    execution = run(definition, {"spot": True}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    jobs = execution.calls_of("createTrainingJob.sync")
    assert [
        (job["ResourceConfig"]["InstanceType"], job["EnableManagedSpotTraining"]) for job in jobs
    ] == [
        ("ml.g5.xlarge", True),
        ("ml.g5.xlarge", False),
        ("ml.g4dn.xlarge", True),
        ("ml.g4dn.xlarge", False),
    ]
    assert jobs[0]["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 3600,
        "MaxWaitTimeInSeconds": 3600 + 60 * SPOT_WAIT,
    }
    assert jobs[1]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert execution.output["spot"] is False


@pytest.mark.parametrize(("spot", "stops"), [(True, 1), (False, 0)])
def test_a_spot_job_that_waits_longer_than_it_may_is_stopped_and_no_other(
    definition: dict[str, Any], aws: Aws, spot: bool, stops: int
) -> None:
    aws.jobs_look = ["Starting"] * 1000
    execution = run(definition, {"spot": spot}, aws.account)
    assert len(execution.calls_of("stopTrainingJob")) == stops
    assert SPOT_WAIT * 60 <= execution.waited < SPOT_WAIT * 60 + 60


def test_a_job_with_an_instance_is_watched_no_longer(definition: dict[str, Any], aws: Aws) -> None:
    aws.jobs_look = ["Starting", "Starting"]
    execution = run(definition, {"spot": True}, aws.account)
    assert execution.states.count("Look at the job") == 3
    assert not execution.calls_of("stopTrainingJob")


def test_every_attempt_of_an_execution_goes_on_from_the_same_checkpoints(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    folders = []
    for name in ("first", "second"):
        aws.job_outcomes = [NO_SPOT, CAPACITY]
        jobs = run(definition, {"spot": True}, aws.account, name=name).calls_of(
            "createTrainingJob.sync"
        )
        (folder,) = {job["CheckpointConfig"]["S3Uri"] for job in jobs}
        assert {job["CheckpointConfig"]["LocalPath"] for job in jobs} == {"/opt/ml/checkpoints"}
        folders.append(folder)
    assert len(set(folders)) == 2  # another execution begins anew
    assert all(folder.startswith(f"s3://{bucket}/checkpoints/sound-vae--") for folder in folders)


def test_what_can_be_watched_while_a_job_trains_lies_beside_its_results(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
    # AWS adds the job's name to either; a LocalPath would be refused
    assert job["TensorBoardOutputConfig"] == {"S3OutputPath": f"s3://{bucket}/output"}
    assert job["OutputDataConfig"]["S3OutputPath"] == f"s3://{bucket}/output"


def test_without_spot_nothing_is_waited_for(definition: dict[str, Any], aws: Aws) -> None:
    given = {"spot": False, "max_runtime_minutes": 5}
    execution = run(definition, given, aws.account)
    (job,) = execution.calls_of("createTrainingJob.sync")
    assert job["EnableManagedSpotTraining"] is False
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert execution.output["spot"] is False


def test_when_none_is_to_be_had_every_attempt_is_listed_with_where_to_raise_the_quota(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.job_outcomes = [QUOTA, CAPACITY]
    given = {"instance_types": ["ml.g5.xlarge", "ml.g4dn.xlarge"]}
    execution = run(definition, given, aws.account)
    assert execution.error == "SoundVae.TrainingFailed"
    assert execution.cause == (
        "Training failed on ml.g5.xlarge: The account-level service limit 'ml.g5.xlarge for "
        "training job usage' is 0 Instances, with current utilization of 0 Instances and a request "
        "delta of 1 Instances; on ml.g4dn.xlarge (job the-job): CapacityError: Unable to provision "
        "requested ML compute capacity. Please retry using a different ML instance type. Raise "
        '"ml.g5.xlarge for training job usage" at https://us-east-1.console.aws.amazon.com/'
        "servicequotas/home/services/sagemaker/quotas and start again when it is granted."
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
    execution = run(definition, {}, aws.account)
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
    execution = run(definition, {}, aws.account, name=name)
    names = [
        given[key]
        for action, key in (
            ("createTrainingJob.sync", "TrainingJobName"),
            ("createModel", "ModelName"),
            ("createEndpointConfig", "EndpointConfigName"),
        )
        for given in execution.calls_of(action)
    ]
    assert (
        len(set(names)) == 4
    )  # two jobs, a model, and a config whose name begins with the model's
    for made in names:
        assert LEGAL.fullmatch(made), made  # the number of a retry
        assert made.startswith("sound-vae--")  # or the role would not be allowed to make it


def test_no_two_executions_share_a_name() -> None:
    name = expression("run_name", run_name_values("x" * 24))
    names = [
        evaluate("{% " + name + " %}", execution=f"arn:{run}:{'n' * 80}") for run in ("a", "b")
    ]
    assert len(set(names)) == 2
    assert all(LEGAL.fullmatch(name + "-100-99-99") for name in names), names


def test_every_metric_that_train_py_prints_is_found_in_its_log(
    definition: dict[str, Any], aws: Aws
) -> None:
    (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
    found = job["AlgorithmSpecification"]["MetricDefinitions"]
    figures = {metric["Name"]: -i * 1.5e-7 for i, metric in enumerate(found)}
    line = figures_line({"epoch": 3, **figures})
    for metric in found:
        (number,) = re.findall(metric["Regex"], line)
        assert float(number) == pytest.approx(figures[metric["Name"]]), metric
        assert len(metric["Regex"]) <= 500  # SageMaker's limits
    assert "val_loss" in figures
    assert len(found) <= 40


@pytest.mark.parametrize(
    "name",
    [
        "val_accuracy=0.1 served_val_accuracy=0.9 .txt",
        "x\nfigures: val_loss=-9 served_val_loss=9 ",
        "figures: val_loss=-9 ",
        "figures: x=1 val_loss=-9 \r",
    ],
)
def test_no_name_that_train_py_prints_is_taken_for_a_metric(
    definition: dict[str, Any], aws: Aws, name: str
) -> None:
    (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
    report = DataReport(
        skipped=Skipped([(name, f"{name} is not a sound")]), notes=[f"2 labels: {name}"]
    )
    for line in str(report).splitlines():
        for metric in job["AlgorithmSpecification"]["MetricDefinitions"]:
            assert not re.search(metric["Regex"], line), metric


@pytest.mark.parametrize("text", ["0.9.", "nan", "inf", "1e", "1-2", "", "--1"])
def test_what_is_no_number_is_no_metric(definition: dict[str, Any], aws: Aws, text: str) -> None:
    (job,) = run(definition, {}, aws.account).calls_of("createTrainingJob.sync")
    for metric in job["AlgorithmSpecification"]["MetricDefinitions"]:
        assert not re.search(metric["Regex"], f"figures: epoch=3 {metric['Name']}={text} other=1")


def test_a_job_that_leaves_no_summary_is_not_promoted_but_kept(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.summary = None
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    assert execution.output["promoted"] is False
    assert execution.output["why"] == (
        "the job left no summary, so nothing is known of the new model"
    )
    assert execution.output["promote_with"] == {"model": execution.output["model"]}


def test_a_summary_that_comes_late_is_waited_for(definition: dict[str, Any]) -> None:
    train = definition["States"]["Train"]["Branches"][0]["States"]
    (retry,) = train["Read the summary"]["Retry"]
    waits = [
        retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])
    ]
    assert 2 * 60 < sum(waits) < 5 * 60


def inputs_of(job: dict[str, Any]) -> dict[str, str]:
    return {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in job["InputDataConfig"]
    }


def test_a_job_starts_from_the_served_model_or_from_a_named_one(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    aws.objects.append({"Key": "output/some-job/output/model.tar.gz", "Size": 9})
    named = f"s3://{bucket}/output/some-job/output/model.tar.gz"
    for start, url in (("served", aws.starter), (named, named)):
        aws.values = {**aws.values, "/sound-vae/served-model": aws.starter}
        execution = run(definition, {"start_from": start, "promote": "never"}, aws.account)
        assert execution.status == "SUCCEEDED", execution.cause
        (job,) = execution.calls_of("createTrainingJob.sync")
        assert inputs_of(job)["start"] == url
        assert inputs_of(job)["served"] == aws.starter
    execution = run(definition, {"promote": "never"}, aws.account)
    (job,) = execution.calls_of("createTrainingJob.sync")
    assert "start" not in inputs_of(job)
    assert "Find the model to start from" not in execution.states


def test_a_model_to_start_from_that_is_not_there_is_named_before_anything_costs(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    url = f"s3://{bucket}/output/gone/output/model.tar.gz"
    execution = run(definition, {"start_from": url}, aws.account)
    assert (execution.status, execution.error) == ("FAILED", "SoundVae.WrongInput")
    assert execution.cause == (
        f"There is no model to start from at {url}: name one that is in the bucket, or leave out "
        "start_from."
    )
    assert not execution.calls_of("createTrainingJob.sync")
