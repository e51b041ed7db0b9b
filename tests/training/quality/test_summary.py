"""summary.json says what came of a run, in at most 64 KB and whole at any moment."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import train
from sound_vae.data.report import DataReport, Skipped
from sound_vae.quality.compare_served import Comparison
from sound_vae.quality.summary import FILE, write_summary
from tests.training.tones import noisy_tones


def test_a_run_says_what_became_of_its_files(
    tones: Path, tmp_path: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in tones.iterdir():
        (data / file.name).write_bytes(file.read_bytes())
    (data / "broken.wav").write_bytes(b"")
    (data / "notes.txt").write_text("no sound")
    monkeypatch.setattr(
        train, "export", lambda folder, vae, density, description, **_: description.write(folder)
    )
    arguments = ["--data", str(data), "--model-dir", str(tmp_path / "model"), *small]
    arguments += ["--evaluation-sounds", "0"]  # there is no graph to draw any from
    assert train.main([*arguments, "--checkpoint-dir", str(tmp_path / "checkpoints")]) == 0
    summary = json.loads((tmp_path / "checkpoints" / FILE).read_text())
    assert summary["comparison"] is None
    assert summary["figures"] == json.loads((tmp_path / "model" / "metrics.json").read_text())
    about = summary["data"]
    assert (about["files"], about["clips"]) == (26, 24)
    assert sorted(skipped["example"] for skipped in about["skipped"]) == ["broken.wav", "notes.txt"]
    assert {"reason": "empty file", "files": 1, "example": "broken.wav"} in about["skipped"]
    assert about["labels"] == {"high": 12, "low": 12}
    assert (about["sample_rate"], about["source_rates"]) == (8000, {"8000": 24})
    assert 0.1 < about["clip_seconds"] < 0.4
    assert about["padded"] + about["cropped"] <= 24
    assert about["warnings"] == []


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        (None, None),
        (Comparison(True), {"comparable": True, "why": ""}),
        (Comparison(False, "no label"), {"comparable": False, "why": "no label"}),
    ],
)
def test_the_comparison_is_told_in_words(
    tmp_path: Path, comparison: Comparison | None, expected: object
) -> None:
    write_summary(tmp_path, {"val_loss": -1.5}, comparison, noisy_tones(2, seed=0))
    assert json.loads((tmp_path / FILE).read_text())["comparison"] == expected
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_the_file_stays_small_whatever_the_data_holds(tmp_path: Path) -> None:
    skipped = [(f"{i}{'ö' * 120}", f"reason {i} {'é' * 300}") for i in range(1000)]
    skipped += [("\udcff.wav", "a name that is no text")] * 2
    report = DataReport(
        files=5000,
        kept=4000,
        skipped=Skipped(skipped),
        labels={f"{i:04}{'ü' * 125}": 4 for i in range(1000)},
        source_rates=Counter(range(1000, 5000)),
        warnings=["A sentence." * 30] * 8,
    )
    data = replace(noisy_tones(2, seed=0), report=report)
    write_summary(tmp_path, {}, None, data)
    content = (tmp_path / FILE).read_bytes()
    assert len(content) < 64 * 1024
    about = json.loads(content)["data"]
    assert len(about["labels"]) == 100
    assert about["more_labels"] == 900
    assert about["skipped"][0]["example"] == "?.wav"


def test_who_reads_meanwhile_finds_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noisy_tones(2, seed=0)
    write_summary(tmp_path, {"val_loss": 1.0}, None, data)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_summary(tmp_path, {"val_loss": 2.0}, None, data)
    assert json.loads((tmp_path / FILE).read_text())["figures"] == {"val_loss": 1.0}


def test_a_summary_that_cannot_be_written_does_not_fail_a_run_that_has_its_model(
    tmp_path: Path, small: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    for i in range(2):
        sound = np.sin(np.arange(1600) * (0.1 + 0.1 * i))
        soundfile.write(tmp_path / f"{i}.wav", sound, 8000)
    monkeypatch.setattr(train, "finish", lambda *_: train.Outcome({}))
    monkeypatch.setattr(train, "learn", lambda *_: [])
    (tmp_path / "file").touch()
    arguments = ["--data", str(tmp_path), "--model-dir", str(tmp_path / "model"), *small]
    assert train.main([*arguments, "--checkpoint-dir", str(tmp_path / "file")]) == 0
    assert f"no summary in {tmp_path / 'file'}" in capfd.readouterr().out
