"""The network that says from z how a sound is excited: pitch, periodicity, noise floor.

excitation = excite(exciter, z)

It gives a pitch as a distribution over semitones, as Kim et al., "CREPE: a convolutional
representation for pitch estimation" (2018), do: where z allows for two pitches one of them is
chosen, and not the mean, which is neither.
"""

import math

import keras
import tensorflow as tf
from keras import layers

from sound_vae.model.autoencoder import Architecture
from sound_vae.model.bands import BANDS
from sound_vae.model.excitation import Excitation
from sound_vae.model.framing import halvings

HIDDEN = 192
CHANNELS = 64
COARSE_CHANNELS = 32  # next to the dense layer, which holds channels x frames
SEMITONES = 12  # an octave


def build_exciter(architecture: Architecture, octaves: int, *, seed: int = 0) -> keras.Model:
    """Make an untrained one for the decoder of this architecture, for a pitch within octaves."""
    seeds = keras.random.SeedGenerator(seed)

    def kernel() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=seeds)

    z = layers.Input((architecture.latent_dim,))
    frames = math.ceil(architecture.frames / 2 ** halvings(architecture.frames))
    x = z
    for _ in range(2):
        x = layers.LeakyReLU(0.1)(layers.Dense(HIDDEN, kernel_initializer=kernel())(x))
    x = layers.Dense(frames * COARSE_CHANNELS, kernel_initializer=kernel())(x)
    x = layers.Reshape((frames, COARSE_CHANNELS))(x)
    x = layers.Conv1D(CHANNELS, 1, kernel_initializer=kernel())(x)
    for _ in range(halvings(architecture.frames)):
        x = layers.Conv1D(2 * CHANNELS, 3, padding="same", kernel_initializer=kernel())(x)
        frames *= 2
        x = layers.LeakyReLU(0.1)(layers.Reshape((frames, CHANNELS))(x))
    pitch_logits = layers.Conv1D(pitches_in(octaves), 1, kernel_initializer=kernel())(x)
    periodicity = layers.Conv1D(BANDS, 1, activation="sigmoid", kernel_initializer=kernel())(x)
    floor = layers.Conv1D(BANDS, 1, activation="sigmoid", kernel_initializer=kernel())(x)
    return keras.Model(z, [pitch_logits, periodicity, floor], name="exciter")


def excite(exciter: keras.Model, z: tf.Tensor) -> Excitation:
    """Give what excites the sounds of z, (batch, latent_dim)."""
    pitch_logits, periodicity, noise_floor = exciter(z, training=False)
    return Excitation(most_likely_octaves(pitch_logits), periodicity, noise_floor)


def pitches_in(octaves: int) -> int:
    """Count the semitones of octaves, with both ends."""
    return octaves * SEMITONES + 1


def pitch_distribution(octaves: tf.Tensor, pitches: int) -> tf.Tensor:
    """Share out pitches (...) to the two semitones next to each, (..., pitches)."""
    away = tf.abs(octaves[..., None] * SEMITONES - tf.range(pitches, dtype=octaves.dtype))
    return tf.maximum(1 - away, 0)


def most_likely_octaves(pitch_logits: tf.Tensor) -> tf.Tensor:
    """Give the mean over the likeliest semitone and its neighbours, (batch, frames)."""
    semitones = tf.range(tf.shape(pitch_logits)[-1])
    best = tf.argmax(pitch_logits, axis=-1, output_type=tf.int32)
    near = tf.abs(semitones - best[..., None]) <= 1
    share = tf.nn.softmax(tf.where(near, pitch_logits, pitch_logits.dtype.min), axis=-1)
    return tf.reduce_sum(share * tf.cast(semitones, share.dtype), axis=-1) / SEMITONES
