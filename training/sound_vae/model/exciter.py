"""The network that says from z how a sound is excited: its pitch, and how periodic each band is.

octaves, periodicity = exciter(z)    # (batch, frames) and (batch, frames, BANDS)
"""

import math

import keras
from keras import layers

from sound_vae.model.autoencoder import Architecture, halvings
from sound_vae.model.excitation import BANDS, OCTAVES

HIDDEN = 192
CHANNELS = 64
COARSE_CHANNELS = 32  # next to the dense layer, which holds channels x frames


def build_exciter(architecture: Architecture, *, seed: int = 0) -> keras.Model:
    """Make an untrained one for the decoder of this architecture."""
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
    pitch = layers.Conv1D(1, 1, activation="sigmoid", kernel_initializer=kernel())(x)
    octaves = layers.Rescaling(OCTAVES)(layers.Reshape((frames,))(pitch))
    periodicity = layers.Conv1D(BANDS, 1, activation="sigmoid", kernel_initializer=kernel())(x)
    return keras.Model(z, [octaves, periodicity], name="exciter")
