"""Made-up clips for tests: noisy tones of two labels."""

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(4000, 0.25)
LABELS = ["low", "high"]


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
