"""The window holds two periods of the lowest notes that a folder has."""

from pathlib import Path

import pytest

from sound_vae.data.dataset import read_dataset
from tests.training.tones import write_notes


def test_notes_too_low_for_the_usual_window_get_a_longer_one_and_it_is_told(tmp_path: Path) -> None:
    data = read_dataset(write_notes(tmp_path, 4, 45, 0.8))
    assert (data.transform.n_fft, data.transform.hop_length) == (512, 128)
    assert data.transform.seconds == pytest.approx(0.8, abs=0.2)
    assert "notes below 62 Hz: the window is 64 ms long, n_fft 512" in data.report.notes


@pytest.mark.parametrize(
    ("low", "hertz", "seconds"),
    [(1, 45, 0.8), (40, 70, 0.8), (40, 45, 0.3)],
    ids=["one of forty", "not so low", "as short as a bass drum"],
)
def test_all_else_keeps_the_usual_window(
    tmp_path: Path, low: int, hertz: float, seconds: float
) -> None:
    data = read_dataset(write_notes(tmp_path, low, hertz, seconds))
    assert data.transform.n_fft == 256
    assert not any("window" in note for note in data.report.notes)


def test_what_was_chosen_is_not_changed(tmp_path: Path) -> None:
    folder = write_notes(tmp_path, 40, 45, 0.8)
    assert read_dataset(folder, n_fft=256).transform.n_fft == 256
    assert read_dataset(folder, hop_length=64).transform.n_fft == 256
