"""Data that is not what its owner thinks it is, is spoken of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sound_vae.data.dataset import read_dataset

Tone = Callable[..., np.ndarray]


def warnings(folder: Path, **settings: Any) -> list[str]:
    return read_dataset(folder, **settings).report.warnings


def write(folder: Path, names: str, tone: Tone, seconds: float = 0.3, rate: int = 8000) -> None:
    """Write a tone under each of these names, with a rate of its own."""
    for number, name in enumerate(names.split()):
        file = folder / f"{name}.wav"
        file.parent.mkdir(exist_ok=True)
        soundfile.write(file, tone(300 + 20 * number, seconds, rate), rate)


def test_ordinary_data_needs_no_warning(tones: Path) -> None:
    assert warnings(tones) == []


def test_rates_that_lose_their_treble_are_named(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2 a_3 a_4", tone)
    write(tmp_path, "a_5 a_6", tone, rate=44_100)
    write(tmp_path, "a_7", tone, rate=22_050)
    assert warnings(tmp_path) == [
        "3 of 7 files have 22050 or 44100 Hz and were brought down to 8000 Hz: "
        "their sound above 4000 Hz is lost."
    ]


def test_rates_that_never_had_treble_are_named(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2 a_3", tone, rate=22_050)
    write(tmp_path, "a_4", tone)
    assert warnings(tmp_path) == [
        "1 of 4 files has 8000 Hz, less than the 22050 Hz of the model: they hold no sound above "
        "4000 Hz."
    ]


def test_a_lower_rate_that_was_asked_for_is_no_surprise(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2", tone, rate=22_050)
    assert warnings(tmp_path, sample_rate=8000) == []


def test_kinds_of_very_unequal_length_are_named(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, " ".join(f"kick/{i}" for i in range(5)), tone, seconds=0.1)
    write(tmp_path, " ".join(f"bell/{i}" for i in range(5)), tone, seconds=1.5)
    (warning,) = warnings(tmp_path)
    assert warning.startswith("The sounds are of very unequal length: a tenth is shorter than 0.1")
    assert "train on one folder at a time" in warning


def test_stereo_that_was_folded_is_named(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2", tone)
    sound = tone(300, 0.3)
    soundfile.write(tmp_path / "a_3.wav", np.stack([sound, sound], axis=1), 8000)
    assert warnings(tmp_path) == ["1 of 3 files is stereo: the channels were mixed into one."]


def test_sounds_that_were_cut_off_are_named(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2", tone, seconds=0.3)
    assert read_dataset(tmp_path, clip_seconds=0.2).report.warnings == [
        "2 of 2 files are longer than 0.20 s and cut off there: set clip_seconds to keep more of "
        "them."
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("seven_1 seven_2 a b c d e", "Only 2 of 7 files are labelled, so labels were left out"),
        ("1_rain 2_rain 3_rain", "The names give 3 labels to 3 files, so they were not taken for"),
        ("a_1 a_2 a_3 stray", "1 of 4 files is without a label: they are trained on, but no"),
    ],
)
def test_labels_that_are_not_understood_are_named(
    tmp_path: Path, tone: Tone, names: str, words: str
) -> None:
    write(tmp_path, names, tone)
    (warning,) = warnings(tmp_path)
    assert warning.startswith(words)


def test_data_without_any_label_is_fine(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a b c", tone)
    assert warnings(tmp_path) == []


def test_warnings_stand_in_the_log(tmp_path: Path, tone: Tone) -> None:
    write(tmp_path, "a_1 a_2 a_3 stray", tone)
    assert "  warning: 1 of 4 files is without a label" in str(read_dataset(tmp_path).report)
