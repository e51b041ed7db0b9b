"""The noise floor of a sound: breath, bow, hammer, room; whatever lies between its harmonics.

How periodic a band is says little of it: beside harmonics that are 30 dB louder it is a thousandth
of the band, and still what tells a violin from a trumpet. So it is a level of its own, in bands
that are narrow where hearing is fine.
"""

import numpy as np
import tensorflow as tf

from sound_vae.model.framing import Framing
from sound_vae.model.harmonics import between, pulses, smoothed, width_of
from sound_vae.model.spectrogram import Transform

FLOOR_BANDS = 12
CORNER_HZ = 700.0  # below it bands are about equally wide, above it in proportion to frequency
# A line is wider than a pulse's, for it trembles; so more of it lies between the lines.
LEAKS = 2.0  # times as much power as of a pulse
LEAST = 1e-4  # of what lies between the lines is noise
MOST_RAISED, MOST_LOWERED = 0.1, 0.3  # of a spectrogram's 0 to 1: 8 and 24 dB


def floor_bands(transform: Framing) -> np.ndarray:
    """Triangles that overlap and add up to 1 in each bin, (FLOOR_BANDS, bins)."""
    hertz = (np.arange(transform.bins) + 0.5) * transform.sample_rate / transform.n_fft
    place = np.log1p(hertz / CORNER_HZ) / np.log1p(transform.sample_rate / 2 / CORNER_HZ)
    place = np.clip(place * FLOOR_BANDS - 0.5, 0, FLOOR_BANDS - 1)
    away = np.abs(place - np.arange(FLOOR_BANDS)[:, None])
    return np.maximum(0, 1 - away).astype(np.float32)


def level_in_bands(values: tf.Tensor, transform: Framing) -> tf.Tensor:
    """Mean of (..., bins) in each band, (..., FLOOR_BANDS); 0 in one that has no bin."""
    weights = floor_bands(transform)
    total = weights.sum(axis=1, keepdims=True)
    return values @ tf.constant((weights / np.maximum(total, 1e-6)).T)


def noise_floor(
    values: tf.Tensor, pitch: tf.Tensor, periodic: tf.Tensor, transform: Transform
) -> tf.Tensor:
    """Read the level off spectrograms (clips, frames, bins), (clips, frames, FLOOR_BANDS) in 0..1.

    It is the mean in decibels of what lies between the harmonics of `pitch` (clips, frames) in Hz,
    without what a window smears of these, by how `periodic` (clips, frames, bins) each bin is.
    """
    width = width_of(pitch, transform)
    lines = tf.square(tf.abs(transform.stft(pulses(pitch, transform))[..., : transform.bins]))
    lines /= 3 / 8 * transform.n_fft  # the energy of a Hann window: of white noise it leaves 1
    leak = tf.exp(between(tf.math.log(lines + 1e-8), width))
    leak *= LEAKS * periodic * smoothed(transform.power(values), width)
    power = transform.power(between(values, width))
    return level_in_bands(transform.values(tf.maximum(power - leak, LEAST * power)), transform)


def noise_between(
    values: tf.Tensor, width: tf.Tensor, floor: tf.Tensor, transform: Framing
) -> tf.Tensor:
    """Bring what decoded values (batch, frames, bins) have between harmonics to the level `floor`.

    `width` (batch, frames) is in bins, `floor` (batch, frames, FLOOR_BANDS) in 0..1 as values are.
    A decoder blurs: what it has there is too loud, but goes up and down where it should.
    """
    found = between(values, width)
    off = tf.clip_by_value(floor - level_in_bands(found, transform), -MOST_LOWERED, MOST_RAISED)
    return found + off @ tf.constant(floor_bands(transform))
