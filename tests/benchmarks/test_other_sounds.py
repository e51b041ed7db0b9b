"""The product is no digit machine: drum hits in sub-folders and unlabelled notes train as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import train
from benchmarks import other_sounds
from benchmarks.made_up_sounds import HITS, write_hits, write_notes
from benchmarks.other_sounds import Outcome
from sound_vae.data.dataset import read_dataset
from sound_vae.serving.served_model import ServedModel

SMALL = [
    *("--epochs", "1", "--channels", "16", "--latent-dim", "4", "--griffin-lim-iterations", "2"),
    *("--evaluation-sounds", "0"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_hits(folder / "hits", per_label=4)
    write_notes(folder / "notes", count=8)
    return folder


@pytest.mark.parametrize(
    ("kind", "labels", "rate", "n_fft", "shortest", "longest"),
    [("hits", sorted(HITS), 22_050, 512, 0.4, 0.6), ("notes", [], 44_100, 1024, 1.1, 1.5)],
)
def test_rate_length_and_transform_follow_from_the_sounds(
    folder: Path,
    kind: str,
    labels: list[str],
    rate: int,
    n_fft: int,
    shortest: float,
    longest: float,
) -> None:
    data = read_dataset(folder / kind)
    assert data.labels == labels
    assert data.transform.sample_rate == rate
    assert data.transform.n_fft == n_fft
    assert shortest < data.transform.seconds < longest
    assert not data.report.skipped


def test_made_up_sounds_are_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    again = write_hits(tmp_path, per_label=1) / "bell" / "000.wav"
    assert again.read_bytes() == (folder / "hits" / "bell" / "000.wav").read_bytes()


def test_both_kinds_train_and_are_heard(folder: Path, tmp_path: Path) -> None:
    outcomes: dict[str, Any] = {}
    vocoder = {"hits": "true", "notes": "false"}  # one model of either rendering
    for kind in other_sounds.KINDS:
        model = tmp_path / kind
        arguments = ["--data", str(folder / kind), "--model-dir", str(model), *SMALL]
        assert train.main([*arguments, "--vocoder", vocoder[kind]]) == 0
        data = read_dataset(folder / kind)
        sounds = other_sounds.generated(ServedModel.load(model))
        assert sounds.shape == (other_sounds.COLUMNS, data.transform.frames, data.transform.bins)
        assert sounds.max(axis=(1, 2)).min() > 0.5  # none is silent
        figures = {"frechet_ratio": 2.0}
        real = np.zeros_like(sounds)
        outcomes[kind] = Outcome(figures, 60.0, data.labels, data.transform, 8, real, sounds)
    other_sounds.draw(outcomes, tmp_path / "sounds.png")
    assert (tmp_path / "sounds.png").read_bytes().startswith(b"\x89PNG")
    page = other_sounds.section(outcomes).to_markdown()
    assert "| rate | 22050 Hz | 44100 Hz |" in page
