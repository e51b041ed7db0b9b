"""The bands in which sounds are analysed and excited: narrow where hearing is fine."""

import numpy as np
import tensorflow as tf

from sound_vae.model.framing import Framing

BANDS = 12
CORNER_HZ = 700.0  # below it bands are about equally wide, above it in proportion to frequency


def bands(framing: Framing) -> np.ndarray:
    """Triangles that overlap and add up to 1 in each bin, (BANDS, bins)."""
    hertz = (np.arange(framing.bins) + 0.5) * framing.sample_rate / framing.n_fft
    place = np.log1p(hertz / CORNER_HZ) / np.log1p(framing.sample_rate / 2 / CORNER_HZ)
    place = np.clip(place * BANDS - 0.5, 0, BANDS - 1)
    away = np.abs(place - np.arange(BANDS)[:, None])
    return np.maximum(0, 1 - away).astype(np.float32)


def level_in_bands(values: tf.Tensor, framing: Framing) -> tf.Tensor:
    """Mean of (..., bins) in each band, (..., BANDS); 0 in one that has no bin."""
    weights = bands(framing)
    total = weights.sum(axis=1, keepdims=True)
    return values @ tf.constant((weights / np.maximum(total, 1e-6)).T)
