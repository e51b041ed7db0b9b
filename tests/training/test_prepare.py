"""The program of the processing jobs: what it writes, and what it says when something fails."""

import json
from pathlib import Path
from typing import Any

import pytest

import prepare
from sound_vae.data.clips import decode
from sound_vae.data.dataset import read_dataset
from sound_vae.data.shards import writing
from sound_vae.data.shards.framed import decide
from sound_vae.data.shards.layout import MANIFEST, PARTS, SHARDS
from sound_vae.data.shards.planning import make_plan
from tests.training.data.shards.conftest import TRIM_DB, bring, listed, small_shards

__all__ = ["small_shards"]


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder /opt/ml of a container."""
    folder = tmp_path / "ml"
    (folder / "output").mkdir(parents=True)
    (folder / "config").mkdir()
    config = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (folder / "config" / "resourceconfig.json").write_text(json.dumps(config))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(folder))
    return folder


@pytest.fixture
def planned(tones: Path, tmp_path: Path) -> Path:
    """A plan for the tones, in a folder that is to be prepared."""
    plan, manifest = tmp_path / "plan", tmp_path / "prepared" / MANIFEST
    for folder in (plan, manifest):
        folder.mkdir(parents=True)
    found = make_plan(listed(tones), [], plan, "s3://bucket/audio/")
    how = decide(found.sample.names, found.sounds, bring(tones), trim_db=TRIM_DB)
    for folder in (plan, manifest):
        how.write(folder)
    found.write(manifest, ())
    return tmp_path


def arguments(tones: Path, planned: Path) -> list[str]:
    given = {
        "--sounds": tones,
        "--plan": planned / "plan",
        "--shards": planned / "prepared" / SHARDS,
        "--parts": planned / "prepared" / MANIFEST / PARTS,
        "--name": "run",
    }
    return ["shards", *(str(part) for pair in given.items() for part in pair)]


def message(base: Path) -> str:
    return (base / "output" / "message").read_text()


def test_a_host_prepares_what_it_has_under_its_own_name(
    tones: Path, planned: Path, base: Path
) -> None:
    assert prepare.main(arguments(tones, planned)) == 0
    assert message(base) == ""
    (shard,) = (planned / "prepared" / SHARDS).iterdir()
    assert shard.name == "run-algo-2-00000.tfrecord"
    assert len(read_dataset(planned / "prepared" / SHARDS)) == 24


def test_a_shard_that_fails_names_its_files_and_the_others_are_done(
    tones: Path,
    planned: Path,
    base: Path,
    small_shards: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def with_one_too_large(folder: Path, names: list[str], **given: Any) -> Any:
        assert "ended at the shard" in message(base), "for the case that nobody lives to say it"
        if "low_3.wav" in names:
            raise MemoryError("too large")
        return decode(folder, names, **given)

    monkeypatch.setattr(writing, "decode", with_one_too_large)
    assert prepare.main(arguments(tones, planned)) == 1
    done = read_dataset(planned / "prepared" / SHARDS)
    failed = {f"{label}_{take}.wav" for label in ("low", "high") for take in range(12)}
    failed -= set(done.names)
    assert "low_3.wav" in failed
    assert 0 < len(failed) < 24
    said = message(base)
    assert "failed: too large" in said
    assert any(name in said for name in failed)
    assert not any(name in said for name in done.names)
    log = capsys.readouterr().out
    assert all(f"  not prepared: {name}" in log for name in failed)


def test_files_that_the_plan_does_not_name_are_not_taken_for_none(
    tones: Path, planned: Path, base: Path
) -> None:
    assert prepare.main(arguments(tones.parent, planned)) == 1
    assert message(base).startswith("the plan names none of the files that this machine was given")


def test_a_host_without_a_share_has_nothing_to_do(planned: Path, base: Path) -> None:
    (planned / "empty").mkdir()
    assert prepare.main(arguments(planned / "empty", planned)) == 0
    assert not list((planned / "prepared" / SHARDS).iterdir())


def test_settings_of_an_execution_are_read_as_hyperparameters_are() -> None:
    words = ["plan", "--sounds", "s3://b/audio/", "--prepared", "s3://b/prepared/"]
    words += ["--plan", "plan", "--manifest", "manifest", "--settings"]
    given = {"clip_seconds": 1, "sample_rate": 8000, "cut_long": False}
    args = prepare.parse_args([*words, json.dumps(given)])
    assert prepare._settings(args) == {**given, "trim_db": TRIM_DB}
