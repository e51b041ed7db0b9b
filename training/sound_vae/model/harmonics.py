"""Lines at the multiples of a pitch: made, smoothed away, and looked between.

A pitch's `width` is how many bins lie between two of its harmonics, which need not be whole.
"""

import math

import tensorflow as tf

from sound_vae.model.framing import Framing
from sound_vae.model.spectrogram import Transform

RESOLVED = 2.0  # bins that harmonics lie apart, of which less is seen as one


def width_of(pitch: tf.Tensor, transform: Framing) -> tf.Tensor:
    """Bring Hz to bins."""
    return pitch * (transform.n_fft / transform.sample_rate)


def pulses(pitch: tf.Tensor, transform: Transform) -> tf.Tensor:
    """(batch, frames) in Hz to (batch, clip_samples): all harmonics alike, mean power 1.

    Of a pitch whose harmonics are not `RESOLVED` it is the first alone, as loud as it would be.
    """
    after = tf.concat([pitch[:, 1:], pitch[:, -1:]], axis=1)
    share = tf.range(transform.hop_length, dtype=tf.float32) / transform.hop_length
    pitch = pitch[..., None] + (after - pitch)[..., None] * share
    pitch = tf.reshape(pitch, [-1, transform.clip_samples])
    # in single precision the phase of a long sound would be too coarse for its upper harmonics
    turns = tf.cumsum(tf.cast(pitch, tf.float64) / transform.sample_rate, axis=1)
    half = tf.cast(math.pi * (turns - tf.floor(turns)), tf.float32)
    half = tf.clip_by_value(half, 1e-4, math.pi - 1e-4)  # at 0 it would be 0 / 0
    count = tf.floor(transform.sample_rate / 2 / pitch)
    made = tf.where(width_of(pitch, transform) < RESOLVED, 1.0, count)
    return (tf.sin((2 * made + 1) * half) / tf.sin(half) - 1) * tf.math.rsqrt(2 * count)


def smoothed(power: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Mean of (batch, frames, bins) over a band around each bin, `width` bins (batch, frames) wide.

    A band of the pitch's width holds one harmonic wherever it lies: Kawahara et al., "Restructuring
    speech representations" (1999).
    """
    bins = power.shape[2]
    total = tf.cumsum(tf.cast(power, tf.float64), axis=2)  # soft bins next to loud ones
    total = tf.pad(total, [[0, 0], [0, 0], [1, 0]])
    centre = tf.range(bins, dtype=tf.float32) + 0.5
    edges = [
        tf.clip_by_value(centre + sign * width[..., None] / 2, 0.0, float(bins))
        for sign in (-1.0, 1.0)
    ]

    def until(edge: tf.Tensor) -> tf.Tensor:
        below = tf.minimum(tf.cast(edge, tf.int32), bins - 1)
        share = tf.cast(edge - tf.cast(below, tf.float32), tf.float64)
        low, high = (tf.gather(total, below + i, axis=2, batch_dims=2) for i in (0, 1))
        return low + share * (high - low)

    low, high = map(until, edges)
    return tf.cast(high - low, tf.float32) / (edges[1] - edges[0])


def between(values: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Take (batch, frames, bins) half-way between two harmonics, and join these places by lines.

    Below half of the pitch, where there is no harmonic, values stay as they are. `width` is
    (batch, frames). Aperiodicity is read off lower envelopes of this kind by Kawahara, Estill,
    Fujimura, "Aperiodicity extraction and control using mixed mode excitation and group delay
    manipulation" (2001).
    """
    bins, width = values.shape[2], width[..., None]
    middles = tf.range(bins, dtype=tf.float32) / width - 0.5  # how many lie below each bin
    below = tf.floor(middles)

    def at(number: tf.Tensor) -> tf.Tensor:
        place = tf.clip_by_value((number + 0.5) * width, 0.0, bins - 1.001)
        low = tf.cast(place, tf.int32)
        share = place - tf.cast(low, tf.float32)
        here, after = (tf.gather(values, low + i, axis=2, batch_dims=2) for i in (0, 1))
        return here + share * (after - here)

    first, second = at(tf.maximum(below, 0.0)), at(below + 1)
    return tf.where(middles < 0, values, first + (middles - below) * (second - first))
