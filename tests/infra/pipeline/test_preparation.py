"""Whether sounds are prepared, with what, and what an execution says when that fails."""

import json
from typing import Any

import pytest

from infra.pipeline.preparation import MOST_PAGES, PAGE, PAYS_FROM, SMALL_PAGE
from tests.infra.pipeline.machine import Execution, ServiceError, run
from tests.infra.pipeline.made_up_aws import Aws

ALWAYS = {"prepare": "always"}


def failed_job(name: str = "the-job", status: str = "Failed", **more: Any) -> ServiceError:
    """What Step Functions makes of a processing job that did not complete."""
    described = {"ProcessingJobName": name, "ProcessingJobStatus": status, **more}
    return ServiceError("States.TaskFailed", json.dumps(described))


@pytest.fixture(scope="module")
def few(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition as if preparing paid from a hundredth of the sounds on."""
    text = json.dumps(definition)
    for many in (PAYS_FROM, MOST_PAGES):
        assert f" {many}" in text
        text = text.replace(f" {many}", f" {many // 100}")
    found: dict[str, Any] = json.loads(text)
    return found


def sounds(count: int) -> list[dict[str, Any]]:
    return [{"Key": f"audio/a_{number:07}.wav", "Size": 9} for number in range(count)]


def about(execution: Execution) -> dict[str, Any]:
    assert execution.status == "SUCCEEDED", execution.cause
    found: dict[str, Any] = execution.output["preparation"]
    return found


@pytest.fixture
def folder(bucket: str, definition: dict[str, Any], aws: Aws) -> str:
    """The prepared folder of the default settings."""
    found: str = about(run(definition, ALWAYS, aws.account))["folder"]
    assert found.startswith(f"s3://{bucket}/prepared/")
    assert len(found.rpartition("prepared/")[2]) == 17
    return found


def test_many_sounds_are_prepared_and_training_streams_them(
    few: dict[str, Any], aws: Aws, folder: str
) -> None:
    aws.objects += sounds(PAYS_FROM // 100)
    execution = run(few, {"instance_count": 3}, aws.account)
    assert about(execution) == {
        "prepares": True,
        "why": f"there are {PAYS_FROM // 100} sounds or more, from where on it pays",
        "folder": folder,
        "new": 5,
        "unchanged": 0,
        "gone": 0,
    }
    look, work = execution.calls_of("createProcessingJob.sync")
    assert look["ProcessingJobName"].endswith("-plan-0")
    counts = [job["ProcessingResources"]["ClusterConfig"]["InstanceCount"] for job in (look, work)]
    assert counts == [1, 3]
    (job,) = execution.calls_of("createTrainingJob.sync")
    data, manifest, *_ = job["InputDataConfig"]
    assert (data["ChannelName"], data["InputMode"]) == ("data", "FastFile")
    assert data["DataSource"]["S3DataSource"]["S3Uri"] == f"{folder}shards/"
    assert manifest["DataSource"]["S3DataSource"]["S3Uri"] == f"{folder}manifest/"


def test_a_listing_ends_as_soon_as_it_is_known_that_there_are_many(
    few: dict[str, Any], aws: Aws
) -> None:
    aws.objects += sounds(PAYS_FROM // 10)
    listings = run(few, {}, aws.account).calls_of("listObjectsV2")
    pages = [given for given in listings if given["Prefix"] == "audio/"]
    assert len(pages) == -(-PAYS_FROM // 100 // PAGE)
    assert len({given["StartAfter"] for given in pages}) == len(pages)


def test_other_files_are_not_counted_for_ever(few: dict[str, Any], aws: Aws) -> None:
    aws.objects += [{"Key": f"audio/{n:07}.txt", "Size": 9} for n in range(3 * PAYS_FROM // 100)]
    execution = run(few, {}, aws.account)
    pages = [g for g in execution.calls_of("listObjectsV2") if g["Prefix"] == "audio/"]
    assert len(pages) == MOST_PAGES // 100
    assert about(execution) == {
        "prepares": False,
        "why": f"there are at least 0 sounds, and it pays from {PAYS_FROM // 100} on",
    }


@pytest.mark.parametrize("prepare", ["always", "never"])
def test_who_says_so_has_no_need_of_counting(
    definition: dict[str, Any], aws: Aws, prepare: str
) -> None:
    aws.objects += sounds(2 * PAGE)
    execution = run(definition, {"prepare": prepare}, aws.account)
    assert about(execution)["prepares"] is (prepare == "always")
    assert about(execution)["why"] == f'prepare is "{prepare}"'
    assert len([g for g in execution.calls_of("listObjectsV2") if g["Prefix"] == "audio/"]) == 1


def test_names_that_are_too_long_for_a_page_come_in_smaller_pages(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.error_at["listObjectsV2", 1] = ServiceError("States.DataLimitExceeded")
    execution = run(definition, {}, aws.account)
    assert execution.status == "SUCCEEDED", execution.cause
    pages = [g for g in execution.calls_of("listObjectsV2") if g["Prefix"] == "audio/"]
    assert [given["MaxKeys"] for given in pages] == [PAGE, SMALL_PAGE]
    assert SMALL_PAGE * (1024 + 500) < 256 * 1024, "the longest names, and what else is told"


def test_prepared_spectrograms_are_left_as_they_are(definition: dict[str, Any], aws: Aws) -> None:
    aws.objects += [{"Key": f"spectrograms/{n}.npy", "Size": 9} for n in range(3)]
    execution = run(definition, {"data": "spectrograms/"}, aws.account)
    assert about(execution) == {"prepares": False, "why": "they are prepared spectrograms"}


def test_where_nothing_is_new_one_job_has_looked(definition: dict[str, Any], aws: Aws) -> None:
    aws.found = {"new": 0, "unchanged": 7, "gone": 1}
    execution = run(definition, ALWAYS, aws.account)
    assert len(execution.calls_of("createProcessingJob.sync")) == 1
    assert about(execution)["unchanged"] == 7


def test_no_more_machines_are_asked_for_than_there_are_files(
    definition: dict[str, Any], aws: Aws
) -> None:
    aws.found = {"new": 2, "unchanged": 40, "gone": 0}
    aws.objects = [{"Key": f"audio/{number}.wav", "Size": 9} for number in range(42)]
    execution = run(definition, {**ALWAYS, "instance_count": 16}, aws.account)
    _, work = execution.calls_of("createProcessingJob.sync")
    assert work["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2


def test_what_decides_a_spectrogram_decides_the_folder_and_nothing_else_does(
    definition: dict[str, Any], aws: Aws, folder: str
) -> None:
    def where(**given: Any) -> str:
        found: str = about(run(definition, {**ALWAYS, **given}, aws.account))["folder"]
        return found

    aws.objects += [{"Key": f"audio/b/{n}.wav", "Size": 9} for n in range(3)]
    same: tuple[dict[str, Any], ...] = ({"epochs": 3, "latent_dim": 8, "seed": 4}, {})
    assert {where(hyperparameters=one) for one in same} == {folder}
    others = [{"trim_db": 30}, {"sample_rate": 8000}, {"n_fft": 512}, {"hop_length": 128}]
    others += [
        {"cut_long": True},
        {"cut_long": False},
        {"clip_seconds": 1},
        {"clip_seconds": 1, "n_fft": 512},
    ]
    found = {where(hyperparameters=one) for one in others} | {where(data="audio/b/")}
    assert len(found) == len(others) + 1
    assert folder not in found


def test_the_jobs_are_told_what_was_asked_for(
    definition: dict[str, Any], aws: Aws, bucket: str
) -> None:
    asked = {"clip_seconds": 0.5, "sample_rate": 8000, "cut_long": True, "epochs": 3}
    execution = run(definition, {**ALWAYS, "hyperparameters": asked}, aws.account)
    look, _ = execution.calls_of("createProcessingJob.sync")
    words = look["AppSpecification"]["ContainerArguments"]
    given = dict(zip(words[1::2], words[2::2], strict=True))
    assert words[0] == "plan"
    assert given["--sounds"] == f"s3://{bucket}/audio/"
    del asked["epochs"]
    assert json.loads(given["--settings"]) == asked
    for words in (
        look["AppSpecification"]["ContainerEntrypoint"],
        look["AppSpecification"]["ContainerArguments"],
    ):
        assert max(map(len, words)) <= 256, "CreateProcessingJob's limit"


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        (
            [failed_job(ExitMessage="there is no sound in s3://b/audio/", FailureReason="x")],
            "Preparing the sounds failed in the job the-job: there is no sound in s3://b/audio/.",
        ),
        (
            [None, failed_job(ExitMessage="it ended at the shard s with a.wav, b.wav")],
            "Preparing the sounds failed in the job the-job: it ended at the shard s with a.wav, "
            "b.wav.",
        ),
        (
            [failed_job(FailureReason="ClientError: Access denied.")],
            "Preparing the sounds failed in the job the-job: ClientError: Access denied.",
        ),
        (
            [failed_job(status="Stopped")],
            "Preparing the sounds failed in the job the-job: it was stopped, or did not finish "
            "within max_runtime_minutes = 60.",
        ),
        (
            [
                ServiceError(
                    "SageMaker.ResourceLimitExceededException",
                    "The account-level service limit 'ml.m5.xlarge for processing job usage' is 0 "
                    "Instances. Please use AWS Service Quotas to request an increase for this "
                    "quota. (Service: AmazonSageMaker; Error Code: ResourceLimitExceeded)",
                )
            ],
            "Preparing the sounds failed: The account-level service limit 'ml.m5.xlarge for "
            'processing job usage\' is 0 Instances. Raise "ml.m5.xlarge for processing job usage" '
            "at https://",
        ),
    ],
)
def test_what_fails_is_a_sentence_and_nothing_is_trained(
    definition: dict[str, Any], aws: Aws, outcomes: list[ServiceError | None], sentence: str
) -> None:
    aws.processing = outcomes
    execution = run(definition, ALWAYS, aws.account)
    assert execution.error == "SoundVae.PreparationFailed"
    assert execution.cause.startswith(sentence)
    assert execution.cause.endswith(
        ' Shards that were finished are kept; {"prepare": "never"} trains on the files as they are.'
    )
    assert not execution.calls_of("createTrainingJob.sync")


def test_settings_of_jobs_are_those_of_training(definitions: dict[str, Any]) -> None:
    """Of the deployment with every setting on, but for the network, which preparing needs."""
    states = definitions["birds--preparation"]["States"]
    for name in ("Look at the sounds", "Prepare the new ones"):
        job = states[name]["Arguments"]
        cluster = job["ProcessingResources"]["ClusterConfig"]
        assert cluster["InstanceType"] == "ml.c5.2xlarge"
        assert cluster["VolumeSizeInGB"] == 50
        assert cluster["VolumeKmsKeyId"].startswith("arn:aws:kms:")
        assert job["ProcessingOutputConfig"]["KmsKeyId"].startswith("arn:aws:kms:")
        assert job["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d"]
        assert {"Key": "team", "Value": "sound"} in job["Tags"]
    for name in ("NetworkConfig",):
        plain = definitions["sound-vae--preparation"]["States"]["Look at the sounds"]
        assert name not in plain["Arguments"]
