"""Spectrograms as pictures: time to the right, pitch upwards, louder is lighter."""

import numpy as np
import tensorflow as tf

# from silence to a full-scale sine; equally far apart in lightness, so that it prints in grey, too
COLOURS = np.array(
    [
        (12, 10, 34),
        (58, 22, 104),
        (124, 32, 116),
        (190, 52, 92),
        (236, 106, 60),
        (250, 178, 74),
        (253, 246, 194),
    ],
    float,
)
LEVELS = 256
_PALETTE = np.stack(
    [
        np.interp(np.linspace(0, len(COLOURS) - 1, LEVELS), np.arange(len(COLOURS)), channel)
        for channel in COLOURS.T
    ],
    axis=1,
).astype(np.uint8)


def coloured(values: np.ndarray) -> np.ndarray:
    """Turn (frames, bins) in 0..1 into pixels, (bins, frames, 3), the lowest bin at the bottom."""
    levels = np.clip(np.asarray(values, np.float32) * (LEVELS - 1), 0, LEVELS - 1)
    return _PALETTE[levels.astype(np.uint8).T[::-1]]


def png(pixels: np.ndarray) -> bytes:
    """Encode pixels (height, width, 3)."""
    return tf.io.encode_png(tf.constant(pixels)).numpy()
