"""`make smoke` against the stand-in: every question has its answer, and what was made is gone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from smoke.questions import QUESTIONS

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 1800  # of a busy machine; alone it takes some three minutes
ROW = re.compile(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*) \|$")

# what the stand-in answers to what only AWS knows; "nothing" where it has no such service
THERE = {
    "images": "nothing",
    "quotas": "nothing",
    "definitions": "nothing",
    "propagation": "yes",
    "list_bucket": "yes",
    "serving_image": "yes",
    "undo_config": "yes",
    "checkpoints": "yes",
    "spot": "yes",
    "summary": "yes",
    "metrics": "yes",
    # it refuses to update an endpoint that is being updated, which may be over by then
    "deploy_while_updating": "(yes|no)",
}
SEEN = {
    "deploys": "SoundVae-smoke-",
    "wrong_input": "SoundVae.WrongInput: There is no sound under s3://",
    "undo": "answers with silence. The endpoint serves again what it served before.",
    "undo_config": "s back",
    "training": 'promote is "always"; ml.m5.large (spot), attempt 1',
    "checkpoints": "summary.json",
    "spot": "Completed, ml.m5.large",
    "summary": "read",
    "metrics": "after the job's end",
    "listens": "audio/wav",
    "bad_request": "ModelError, HTTP 424, originally 400",
    "deploy_while_listening": "the deployment: succeeded; now 4096 MB, serving what is recorded",
    "deploy_while_updating": "serving what is recorded",
    "record": "it did, 5 times",
    "removed": "should be gone: nothing.",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The stand-in, as a program of its own, and the variables that point at it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("stand-in") / "log"
    command = [sys.executable, "-m", "local", "--port", str(port)]
    with log.open("w") as file, subprocess.Popen(command, cwd=REPOSITORY, stdout=file) as process:
        try:
            while "is ready" not in (text := log.read_text()):
                assert process.poll() is None, text
                time.sleep(0.1)
            told = dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))
            yield {**os.environ, **told}
        finally:
            process.terminate()


def smoke(environment: dict[str, str], report: Path) -> "subprocess.Popen[str]":
    """Start the program as a shell does with `&`: with SIGINT ignored."""
    return subprocess.Popen(
        [sys.executable, "-m", "smoke", "--yes", "--report", str(report)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )


def stacks(environment: dict[str, str]) -> list[str]:
    """The stages of this program that there are."""
    api = boto3.client(
        "cloudformation",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    names = [stack["StackName"] for stack in api.describe_stacks()["Stacks"]]
    return [name for name in names if name.startswith("SoundVae-smoke-")]


@pytest.fixture(scope="module")
def text(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a whole tour."""
    report = tmp_path_factory.mktemp("report") / "smoke-report.md"
    process = smoke(environment, report)
    try:
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, said
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(text: str) -> dict[str, tuple[str, str, str]]:
    """Answer, seconds and what was seen, by question."""
    found = [match.groups() for line in text.splitlines() if (match := ROW.match(line))]
    return {question: (answer, seconds, seen) for question, answer, seconds, seen in found}


@pytest.mark.parametrize("key", QUESTIONS)
def test_every_question_has_its_answer(rows: dict[str, tuple[str, str, str]], key: str) -> None:
    question = QUESTIONS[key]
    answer, seconds, seen = rows[question.text]
    assert question.only_aws == (key in THERE)
    if question.only_aws:
        assert answer.startswith("not answered here: http://localhost:")
        assert re.match(f"there, {THERE[key]}: ", seen), seen
    else:
        assert answer == "yes", seen
    assert SEEN.get(key, "") in seen
    assert bool(seconds) == (THERE.get(key) != "nothing")


def test_the_report_says_that_this_was_not_aws_and_whose_account_it_was_to_nobody(
    text: str,
) -> None:
    assert "**This was not AWS.**" in text
    assert "123456789012" not in text


def test_nothing_is_left_of_the_stage(environment: dict[str, str], text: str) -> None:
    assert stacks(environment) == []


def test_ctrl_c_in_the_midst_of_the_deployment_removes_the_stage(
    environment: dict[str, str], tmp_path: Path
) -> None:
    report = tmp_path / "smoke-report.md"
    process = smoke(environment, report)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not stacks(environment):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert stacks(environment) == []
    text = report.read_text(encoding="utf-8")
    assert "**It was interrupted**" in text
    assert "should be gone: nothing." in text
    assert "it did not come to that" in text
