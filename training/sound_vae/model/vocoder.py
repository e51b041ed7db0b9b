"""Sound from a smooth spectrogram, a pitch and how periodic each band is: a filtered excitation.

What a decoder gives is the mean of all that a sound might be, so it knows where and when there is
energy, and neither single harmonics nor the grain of noise. Both come from the excitation here,
as in a voice: pulses at the pitch and noise, each filtered by the decoded spectrogram. Phases need
no search, for pulses and noise have them. Engel et al., "DDSP: Differentiable digital signal
processing" (2020), and `model/excitation.py`.
"""

import math

import tensorflow as tf

from sound_vae.model.excitation import bands, lowest_pitch, octaves_heard
from sound_vae.model.spectrogram import Transform

SILENT = 0.01  # of a spectrogram's 0 to 1: the floor stands for silence
# What a mean of decibels lacks. The mean of a noise's decibels lies 2.5 dB below its power; lines
# that are now in one bin and now in the next lose less. And the mean varies less than any real
# sound: Toda and Tokuda, "A speech parameter generation algorithm considering global variance"
# (2007). docs/experiments.md has what these do.
GRAIN_DB, LINES_DB = 2.5, 1.5
CONTRAST = 1.1  # of decibels below the loudest value
NOISES = 16  # that the noise of a sound is mixed from
LENGTH_SCALE = 3.0  # in latent space, over which sounds get another noise


class Vocoder:
    """Filters pulses and noise; everything is TensorFlow graph code."""

    def __init__(self, transform: Transform) -> None:
        self.transform = transform
        self.bands = tf.constant(bands(transform.bins), tf.float32)

    def waveform(
        self, values: tf.Tensor, octaves: tf.Tensor, periodicity: tf.Tensor, z: tf.Tensor
    ) -> tf.Tensor:
        """(batch, frames, bins) in 0..1 to (batch, clip_samples).

        `octaves` (batch, frames) and `periodicity` (batch, frames, BANDS) are as in `Excitation`.
        z (batch, latent_dim) decides the noise.
        """
        transform = self.transform
        octaves = tf.clip_by_value(octaves, 0.0, float(octaves_heard(transform)))
        pitch = lowest_pitch(transform) * tf.pow(2.0, octaves)
        noisy = 1 - tf.clip_by_value(periodicity @ self.bands, 0.0, 1.0)
        loudest = tf.reduce_max(values, axis=[1, 2], keepdims=True)
        sharper = loudest - CONTRAST * (loudest - values)
        power = tf.exp((1 - sharper) * (transform.floor_db * math.log(10) / 10))
        power = tf.where(values > SILENT, power, 0.0)
        width = pitch * (transform.n_fft / transform.sample_rate)
        harmonics = self._spectrum(pulses(pitch, transform))
        noise = self._spectrum(noise_of(z, transform.clip_samples))
        lines = tf.sqrt((1 - noisy) * smoothed(power, width)) * 10 ** (LINES_DB / 20)
        grain = tf.sqrt(noisy * power) * 10 ** (GRAIN_DB / 20)
        spectrum = harmonics * tf.cast(lines, tf.complex64) + noise * tf.cast(grain, tf.complex64)
        return transform.inverse(tf.pad(spectrum, [[0, 0], [0, 0], [0, 1]]))

    def _spectrum(self, waves: tf.Tensor) -> tf.Tensor:
        return self.transform.stft(waves)[:, :, : self.transform.bins]


def pulses(pitch: tf.Tensor, transform: Transform) -> tf.Tensor:
    """(batch, frames) in Hz to (batch, clip_samples): all harmonics alike, mean power 1."""
    after = tf.concat([pitch[:, 1:], pitch[:, -1:]], axis=1)
    share = tf.range(transform.hop_length, dtype=tf.float32) / transform.hop_length
    pitch = pitch[..., None] + (after - pitch)[..., None] * share
    pitch = tf.reshape(pitch, [-1, transform.clip_samples])
    # in single precision the phase of a long sound would be too coarse for its upper harmonics
    turns = tf.cumsum(tf.cast(pitch, tf.float64) / transform.sample_rate, axis=1)
    half = tf.cast(math.pi * (turns - tf.floor(turns)), tf.float32)
    half = tf.clip_by_value(half, 1e-4, math.pi - 1e-4)  # at 0 it would be 0 / 0
    count = tf.floor(transform.sample_rate / 2 / pitch)
    return (tf.sin((2 * count + 1) * half) / tf.sin(half) - 1) * tf.math.rsqrt(2 * count)


def noise_of(z: tf.Tensor, samples: int) -> tf.Tensor:
    """White noise of variance 1, (batch, samples), that z (batch, latent_dim) alone decides.

    It is a mixture of fixed noises in shares of norm 1 that turn with z: near sounds have nearly
    the same noise, so that morphs glide, and far ones have others. The shares are the random
    features of a Gaussian kernel; Rahimi and Recht, "Random features for large-scale kernel
    machines" (2007).
    """
    directions = tf.random.stateless_normal([z.shape[1], NOISES // 2], seed=[1, 0], alg="philox")
    angles = z @ directions / LENGTH_SCALE
    shares = tf.concat([tf.cos(angles), tf.sin(angles)], axis=1) * math.sqrt(2 / NOISES)
    noise = tf.zeros([tf.shape(z)[0], samples])
    for i in range(NOISES):  # one after the other: it takes no memory, and no order of sums varies
        fixed = tf.random.stateless_normal([samples], seed=[2, i], alg="philox")
        noise += shares[:, i, None] * fixed
    return noise


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
