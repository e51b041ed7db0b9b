"""Made-up clips for tests: noisy tones of two labels, and plucked notes."""

from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(4000, 0.25)
LABELS = ["low", "high"]
NOTE_RATE = 8000  # Hz, at which the usual window hears pitches from 62.5 Hz on


def noisy_tones(count: int, seed: int) -> Dataset:
    """Noisy tones, label 0 low and label 1 high."""
    rng = np.random.default_rng(seed)
    label_ids = np.arange(count) % 2
    hertz = np.where(label_ids == 0, 400, 1200) * rng.uniform(0.9, 1.1, count)
    time = np.arange(TRANSFORM.clip_samples) / TRANSFORM.sample_rate
    waves = np.sin(2 * np.pi * hertz[:, None] * time) * np.exp(
        -time * rng.uniform(4, 12, (count, 1))
    )
    waves = 0.7 * waves + 0.01 * rng.standard_normal(waves.shape)
    values = TRANSFORM.spectrogram(tf.constant(waves, tf.float32)).numpy()
    return Dataset.of(values, TRANSFORM, label_ids, LABELS)


def note(hertz: float, seconds: float) -> np.ndarray:
    """Harmonics as of a plucked string, up to 2 kHz, that die away slowly."""
    time = np.arange(round(seconds * NOTE_RATE)) / NOTE_RATE
    numbers = np.arange(1, 2000 // hertz)
    waves = np.sin(2 * np.pi * hertz * numbers[:, None] * time) / numbers[:, None] ** 0.5
    return (0.05 * waves.sum(axis=0) * np.exp(-time)).astype(np.float32)


def write_notes(folder: Path, low: int, hertz: float, seconds: float) -> Path:
    """Write forty notes, the first `low` of them at `hertz`, the others above 200 Hz."""
    for number in range(40):
        sound = note(hertz if number < low else 200 + 5 * number, seconds)
        soundfile.write(folder / f"{number}.wav", sound, NOTE_RATE)
    return folder
