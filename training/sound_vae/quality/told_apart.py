"""Can made sounds be told from real ones? A network that is trained to do so is asked.

    share = told_apart(real, made, transform)    # 0.5: it cannot; 1: always

The network is new each time and sees nothing but patches of spectrograms, so it knows neither
labels nor what the model was trained by. It learns on some of the sounds and is asked about the
others: a classifier two-sample test, Lopez-Paz and Oquab, "Revisiting classifier two-sample tests"
(2017).
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from sound_vae.data.streaming import Rows
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.modulation import RANGE_DB, patches

LEARNT_SHARE = 0.6  # of the sounds; the network is asked about the rest
FILTERS = (16, 32, 48)
EPOCHS = 8
BATCH = 64  # patches
FEWEST_STEPS = 200  # with few sounds, 8 epochs would teach the network nothing and 0.5 mean nothing


def told_apart(
    real: np.ndarray | Rows, made: np.ndarray | Rows, transform: Transform, *, seed: int = 0
) -> float:
    """Share of sounds that were told rightly, of either kind the mean; 0.5 is guessing.

    Both are (sounds, frames, bins) in 0..1, of different sounds.
    """
    kinds = [_patches(values, transform) for values in (made, real)]
    rng = np.random.default_rng(seed)
    learnt = [_learnt(numbers, rng) for numbers, _ in kinds]
    x, y, weight = [], [], []
    for kind, ((_, values), chosen) in enumerate(zip(kinds, learnt, strict=True)):
        x.append(values[chosen])
        y.append(np.full(chosen.sum(), kind, np.float32))
        weight.append(np.full(chosen.sum(), 1 / max(chosen.sum(), 1), np.float32))
    inputs, wanted, weights = (np.concatenate(part) for part in (x, y, weight))
    network = _network(inputs.shape[1:], seed)
    _train(network, inputs, wanted, weights / weights.mean(), seed)
    right = []
    for kind, ((numbers, values), chosen) in enumerate(zip(kinds, learnt, strict=True)):
        asked, numbers = values[~chosen], numbers[~chosen]
        answers = np.concatenate(
            [network(asked[i : i + 256]).numpy()[:, 0] for i in range(0, len(asked), 256)]
        )
        means = np.array([answers[numbers == number].mean() for number in np.unique(numbers)])
        right.append(np.mean((means > 0) == bool(kind)))
    return float(np.mean(right))


def _patches(values: np.ndarray | Rows, transform: Transform) -> tuple[np.ndarray, np.ndarray]:
    """Give the sound that each patch is of, and the patches (patches, frames, bins) in decibels."""
    numbers, found = zip(*patches(values, transform, overlap=False), strict=True)
    return np.array(numbers), np.stack(found).astype(np.float16)


def _learnt(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which patches belong to the sounds that are learnt from."""
    sounds = rng.permutation(np.unique(numbers))
    return np.isin(numbers, sounds[: round(LEARNT_SHARE * len(sounds))])


def _network(shape: tuple[int, ...], seed: int) -> keras.Model:
    initializers = keras.random.SeedGenerator(seed)
    inputs = layers.Input(shape)
    x = layers.Rescaling(1 / RANGE_DB, offset=1)(layers.Reshape((*shape, 1))(inputs))
    for filters in FILTERS:
        kernel = keras.initializers.HeNormal(seed=initializers)
        x = layers.Conv2D(filters, 3, 2, padding="same", kernel_initializer=kernel)(x)
        x = layers.LeakyReLU(0.1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    last = layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=initializers))
    return keras.Model(inputs, last(x))


def _train(
    network: keras.Model, x: np.ndarray, y: np.ndarray, weights: np.ndarray, seed: int
) -> None:
    optimizer = keras.optimizers.Adam(2e-3)
    optimizer.build(network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = network(tf.cast(x, tf.float32), training=True)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_mean(weights * losses)
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    rng = np.random.default_rng(seed)
    size = min(BATCH, len(x))
    steps = len(x) // size
    for _ in range(max(EPOCHS, math.ceil(FEWEST_STEPS / steps))):
        for part in rng.permutation(len(x))[: steps * size].reshape(steps, size):
            step(tf.constant(x[part]), tf.constant(y[part]), tf.constant(weights[part]))
