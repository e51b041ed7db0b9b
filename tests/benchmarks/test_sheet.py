"""A sheet shows the labels that were asked for, and names the one that there is not."""

import sys
from pathlib import Path

import pytest
import soundfile

from benchmarks import ROOT
from benchmarks.made_up_sounds import write_hits
from benchmarks.sheet import main

STARTER = str(ROOT / "infra" / "starter" / "model.tar.gz")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    hits = write_hits(folder, per_label=2)
    for label, name in {"bell": "three", "kick": "seven"}.items():
        (hits / label).rename(hits / name)
    return hits


def test_pictures_and_sounds_of_each_label_are_written(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, labels = tmp_path / "sheet.png", ["three", "seven"]
    command = ["sheet", STARTER, str(recordings), str(picture), "--labels", *labels]
    monkeypatch.setattr(sys, "argv", [*command, "--wavs", str(tmp_path / "wavs")])
    main()
    assert picture.read_bytes().startswith(b"\x89PNG")
    sounds = [
        soundfile.read(tmp_path / "wavs" / f"{label}.wav") for label in (*labels, "three-before")
    ]
    assert all(rate == 8000 and len(wave) > 800 for wave, rate in sounds)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("gong", "'gong' is no label of model.tar.gz: eight, five"),
        ("nine", "'nine' is no label of the recordings"),
    ],
)
def test_a_mistake_is_a_sentence(
    label: str,
    words: str,
    recordings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = str(tmp_path / "sheet.png")
    command = ["sheet", STARTER, str(recordings), picture, "--labels", label]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit):
        main()
    assert words in capsys.readouterr().err
