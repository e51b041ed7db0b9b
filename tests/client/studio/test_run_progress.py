from pathlib import Path

import pytest

from client import runs
from client.failure import Failure
from client.studio.run_progress import RunProgress
from tests.client.fake_endpoint import FakeStack, wav
from tests.client.studio.conftest import BUCKET
from tests.client.studio.fake_run import JOB, Executions, Log, entered, scheduled


@pytest.fixture
def executions(stack: FakeStack) -> Executions:
    made = Executions("run-7")
    stack.outputs["stepfunctions"] = made  # type: ignore[assignment]
    return made


@pytest.fixture
def log(stack: FakeStack) -> Log:
    made = Log(**{JOB: []})
    stack.outputs["logs"] = made  # type: ignore[assignment]
    return made


@pytest.fixture
def progress(stack: FakeStack, executions: Executions, log: Log) -> RunProgress:
    return RunProgress(stack, runs.named(stack, "run-7"))


def test_each_look_adds_the_epochs_that_are_new(progress: RunProgress, log: Log) -> None:
    assert progress.look()["epochs"] == []
    for epoch in range(1, 4):
        log.lines[JOB].append(f"figures: epoch={epoch} val_loss={-epoch}")
        assert [e["epoch"] for e in progress.look()["epochs"]] == list(range(1, epoch + 1))


def test_another_attempt_begins_again(
    progress: RunProgress, executions: Executions, log: Log
) -> None:
    log.lines |= {JOB: ["figures: epoch=1 val_loss=5"], "second": ["figures: epoch=1 val_loss=6"]}
    assert progress.look()["epochs"] == [{"epoch": 1, "val_loss": 5}]
    executions.history.append(scheduled("second"))  # on another type of instance
    said = progress.look()
    assert (said["job"], said["epochs"]) == ("second", [{"epoch": 1, "val_loss": 6}])


def test_its_end_is_told_with_the_reason(progress: RunProgress, executions: Executions) -> None:
    executions.history.append(entered("Promote"))
    assert progress.look()["state"] == "Promote"
    executions.status, executions.more = "SUCCEEDED", {"output": '{"why": "it is better"}'}
    said = progress.look()
    assert (said["state"], said["why"], said["cause"]) == (None, "it is better", "")
    executions.status, executions.more = "FAILED", {"cause": "no sounds"}
    assert progress.look()["cause"] == "no sounds"


def test_a_run_without_a_job_or_sounds_is_fine(
    progress: RunProgress, executions: Executions
) -> None:
    executions.history = [entered("Promote")]
    said = progress.look()
    assert (said["job"], said["epochs"], said["samples"]) == (None, [], [])


def test_only_sounds_of_the_job_can_be_heard(progress: RunProgress, stack: FakeStack) -> None:
    s3, folder = stack.client("s3"), f"output/{JOB}/tensorboard-output/samples"
    for key in (f"{folder}/epoch-0005/any.wav", f"{folder}/a/epoch-0006/x.wav", "models/any.wav"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=wav())
    assert progress.look()["samples"] == [{"epoch": 5, "name": "any"}]
    assert progress.sample(5, "any") == wav()
    with pytest.raises(Failure, match=r"has no sound '\.\./x' of epoch 5"):
        progress.sample(5, "../x")


def test_the_newest_runs_are_listed_with_one_call(stack: FakeStack, executions: Executions) -> None:
    assert [(run.name, run.status) for run in runs.newest(stack)] == [("run-7", "RUNNING")]
    assert Path(runs.newest(stack)[0].arn).name == "arn:run:run-7"
