"""The parts of `make smoke` that need no account."""

import io
import os
import subprocess
import sys
import tarfile
import wave
from pathlib import Path

import pytest
from rich.console import Console

from infra.stack import STARTER
from smoke import mute_model, plan, report
from smoke.account import Account
from smoke.answers import Answers, Found, NotAnsweredError
from smoke.images import IMAGE
from smoke.once import Once
from smoke.questions import QUESTIONS
from smoke.tones import EACH, PITCHES, tones

REPOSITORY = Path(__file__).parents[2]
AWS = Account("210987654321", "eu-central-1")
ELSEWHERE = Account("210987654321", "eu-central-1", "http://localhost:5000")


def answers(account: Account) -> Answers:
    return Answers(Console(file=io.StringIO()), account)


def run(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the program far from any credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    nowhere = {
        "HOME": "/nonexistent",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return subprocess.run(
        [sys.executable, "-m", "smoke", *options],
        cwd=REPOSITORY,
        env=kept | nowhere | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_region_or_credentials_it_says_what_to_export() -> None:
    done = run()
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no region: export AWS_REGION")
    done = run(AWS_REGION="us-east-1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: AWS does not know you: export AWS_PROFILE")


def test_help_shows_how_to_start_it() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "export AWS_PROFILE=me AWS_REGION=eu-central-1" in done.stdout


def test_the_plan_names_account_stack_and_costs_and_stays_below_a_dollar() -> None:
    out = io.StringIO()
    plan.show(Console(file=out, width=200), AWS, "smoke-12ab", ["ml.m5.large"])
    for part in ("210987654321", "eu-central-1", "SoundVae-smoke-12ab", "ml.m5.large", "reckon"):
        assert part in out.getvalue()
    for part, _ in plan.PARTS:
        assert part in out.getvalue()
    assert 0 < plan.total() < 1


def test_a_question_that_fails_is_an_answer_and_stops_no_other() -> None:
    asked = answers(AWS)

    def out_of_order() -> Found:
        raise OSError("out of order")

    def not_put() -> Found:
        raise NotAnsweredError("there was nobody to ask")

    asked.ask("quotas", out_of_order)
    asked.ask("deploys", lambda: Found(False, "no room", 3.5))
    asked.ask("record", not_put)
    asked.ask("images", lambda: Found(True, "all there"))
    given = {key: (answer.verdict, answer.seen) for key, answer in asked.given.items()}
    assert given == {
        "quotas": ("not answered", "OSError: out of order"),
        "deploys": ("no", "no room"),
        "record": ("not answered", "there was nobody to ask"),
        "images": ("yes", "all there"),
    }
    assert asked.get("deploys").seconds == 3.5
    assert not asked.all_is_well()


def test_what_only_aws_knows_is_no_yes_elsewhere_and_no_failure_either() -> None:
    asked = answers(ELSEWHERE)
    for key in QUESTIONS:
        asked.ask(key, lambda: Found(True, "so it seems"))
    for key, question in QUESTIONS.items():
        told = "not answered here: http://localhost:5000 is not AWS" if question.only_aws else "yes"
        assert asked.get(key).verdict == told
    assert asked.all_is_well()
    on_aws = answers(AWS)
    for key in QUESTIONS:
        on_aws.ask(key, lambda: Found(True, "so it is"))
    assert {on_aws.get(key).verdict for key in QUESTIONS} == {"yes"}


def test_the_report_has_a_row_for_each_question_and_no_account_number() -> None:
    asked = answers(AWS)
    asked.ask("images", lambda: Found(True, "in 210987654321 | and\nelsewhere", 1.25))
    page = report.page(asked, AWS, 61.2, interrupted=True)
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(QUESTIONS)
    assert rows[0].endswith("| yes | 1.2 | in <account> \\| and elsewhere |")
    assert rows[1].endswith("| not answered |  | it did not come to that |")
    assert "AWS, region eu-central-1" in page
    assert "**It was interrupted**" in page
    assert "210987654321" not in page


def test_evidence_is_gathered_once_and_missing_for_all() -> None:
    calls = []

    def gather() -> int:
        calls.append(1)
        if len(calls) > 1:
            raise ValueError("no more")
        return 7

    evidence = Once(gather)
    assert (evidence(), evidence(), len(calls)) == (7, 7, 1)
    missing = Once(gather)
    for _ in range(2):
        with pytest.raises(NotAnsweredError, match="no more"):
            missing()
    assert len(calls) == 2


def test_the_tones_are_short_audible_and_labelled() -> None:
    files = tones()
    assert len(files) == len(PITCHES) * EACH >= 24
    assert {name.partition("_")[0] for name in files} == set(PITCHES)
    for body in files.values():
        with wave.open(io.BytesIO(body)) as sound:
            assert 0.3 < sound.getnframes() / sound.getframerate() < 1
            assert max(sound.readframes(100)[1::2]) > 10


def test_a_muted_model_differs_in_its_handler_alone_and_has_to_have_one() -> None:
    def contents(archive: bytes) -> dict[str, bytes]:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            return {m.name: files.extractfile(m).read() for m in files if m.isfile()}  # type: ignore[union-attr]

    before, after = contents(STARTER.read_bytes()), contents(mute_model.muted(STARTER.read_bytes()))
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert [name.removeprefix("./") for name in changed] == [mute_model.SCRIPT]
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w:gz"):
        pass
    with pytest.raises(KeyError, match="inference"):
        mute_model.muted(empty.getvalue())


@pytest.mark.parametrize(
    ("uri", "account", "repository", "tag"),
    [
        (
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-gpu-py312",
            "763104351884",
            "tensorflow-training",
            "2.21-gpu-py312",
        ),
        (
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-inference:2.20-cpu",
            "727897471807",
            "tensorflow-inference",
            "2.20-cpu",
        ),
    ],
)
def test_an_image_is_taken_apart(uri: str, account: str, repository: str, tag: str) -> None:
    match = IMAGE.fullmatch(uri)
    assert match is not None
    assert match.group("account", "repository", "tag") == (account, repository, tag)
