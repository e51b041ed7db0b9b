"""Sound from a smooth spectrogram, a pitch and how periodic each band is: a filtered excitation.

What a decoder gives is the mean of all that a sound might be, so it knows where and when there is
energy, and neither single harmonics nor the grain of noise. Both come from the excitation here,
as in a voice: pulses at the pitch and noise, each filtered by the decoded spectrogram. Phases need
no search, for pulses and noise have them. Engel et al., "DDSP: Differentiable digital signal
processing" (2020), and `model/excitation.py`.
"""

import math

import tensorflow as tf

from sound_vae.model.bands import bands
from sound_vae.model.excitation import Excitation, lowest_pitch, octaves_heard
from sound_vae.model.harmonics import pulses, smoothed, width_of
from sound_vae.model.noise_floor import noise_between
from sound_vae.model.spectrogram import Transform

# What a mean of decibels lacks. The mean of a noise's decibels lies 2.5 dB below its power; lines
# that are now in one bin and now in the next lose less. docs/experiments.md has what these do.
GRAIN_DB, LINES_DB = 2.5, 1.5
NEIGHBOURS = 0.2  # of either frame beside: lines flicker less than a decoder, as windows overlap
NOISES = 16  # that the noise of a sound is mixed from
LENGTH_SCALE = 3.0  # in latent space, over which sounds get another noise


class Vocoder:
    """Filters pulses and noise; everything is TensorFlow graph code.

    With a `contrast` above 1 what is soft gets softer: decibels below the loudest value are
    multiplied by it. A spectrogram that is filtered by is filled in beside what is loud.
    """

    def __init__(self, transform: Transform, contrast: float = 1.0) -> None:
        self.transform, self.contrast = transform, contrast
        self.bands = tf.constant(bands(transform))

    def waveform(self, values: tf.Tensor, excitation: Excitation, z: tf.Tensor) -> tf.Tensor:
        """(batch, frames, bins) in 0..1 to (batch, clip_samples).

        z (batch, latent_dim) decides the noise.
        """
        transform = self.transform
        octaves = tf.clip_by_value(excitation.octaves, 0.0, float(octaves_heard(transform)))
        pitch = lowest_pitch(transform) * tf.pow(2.0, octaves)
        width = width_of(pitch, transform)
        noisy = 1 - tf.clip_by_value(excitation.periodicity @ self.bands, 0.0, 1.0)
        power = transform.power(values)
        loudest = tf.reduce_max(power, axis=[1, 2], keepdims=True)

        def sharper(power: tf.Tensor) -> tf.Tensor:
            return loudest * tf.pow(tf.math.divide_no_nan(power, loudest), self.contrast)

        floor = noise_between(values, width, excitation.noise_floor, transform)
        floor = sharper(tf.minimum(transform.power(floor), power))
        power = sharper(power)
        harmonics = self._spectrum(pulses(pitch, transform))
        noise = self._spectrum(noise_of(z, transform.clip_samples))
        lines = tf.sqrt(_steadied((1 - noisy) * smoothed(power, width))) * 10 ** (LINES_DB / 20)
        grain = tf.sqrt(tf.maximum(noisy * power, floor)) * 10 ** (GRAIN_DB / 20)
        spectrum = harmonics * tf.cast(lines, tf.complex64) + noise * tf.cast(grain, tf.complex64)
        return transform.inverse(tf.pad(spectrum, [[0, 0], [0, 0], [0, 1]]))

    def _spectrum(self, waves: tf.Tensor) -> tf.Tensor:
        return self.transform.stft(waves)[:, :, : self.transform.bins]


def _steadied(power: tf.Tensor) -> tf.Tensor:
    """Mix each frame of (batch, frames, bins) with its neighbours."""
    padded = tf.pad(power, [[0, 0], [1, 1], [0, 0]], "SYMMETRIC")
    return (1 - 2 * NEIGHBOURS) * power + NEIGHBOURS * (padded[:, :-2] + padded[:, 2:])


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
