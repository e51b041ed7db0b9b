"""A recording with many words, and some files of one word each."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.training.conftest import Tone

RATE = 8000


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def words(many: int, tone: Tone) -> np.ndarray:
    """Tones of half a second, with half a second between them."""
    said = [[tone(200 + 10 * n, 0.5, gain=0.3 + 0.4 * (n % 2)), silence(0.5)] for n in range(many)]
    return np.concatenate([part for pair in said for part in pair])


@pytest.fixture
def speech(tmp_path: Path, tone: Tone) -> Path:
    """Fifty words in one file, and three in files of their own."""
    folder = tmp_path / "speech"
    folder.mkdir()
    soundfile.write(folder / "long.wav", np.concatenate([silence(1), words(50, tone)]), RATE)
    for number in range(3):
        soundfile.write(folder / f"short_{number}.wav", tone(300, 0.5), RATE)
    return folder
