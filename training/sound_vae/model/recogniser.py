"""A small network that recognises the label of a sound, to measure generated sounds with.

    recogniser = Recogniser.train(training)
    features, label_ids = recogniser.listen(validation.clips)

It sees mel bands of the magnitudes, never the phase, and every clip is augmented anew each time:
shifted, stretched, detuned, filtered, noisy, blurred, roughened and with parts masked. So it
learns what all takes of a label share (the word), not what their texture looks like.
On FSDD: 99 % of the official test takes after some 40 seconds on 2 CPU cores.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Self

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import Rows, batches
from sound_vae.model.normalization import BatchNormalization, synchronise
from sound_vae.model.spectrogram import Transform

BANDS = 40  # mel
FEWEST_CLIPS = 100  # to learn from; what fewer teach cannot be relied on
MOST_CLIPS = 10_000  # enough for the steps that there are, and little enough for memory
HOP_SECONDS = 0.016  # between the frames that are listened to
FEATURES = 64
LABEL_SMOOTHING = 0.1
RANGE_DB = 60.0  # what lies further below a clip's loudest band counts as silence


class Recogniser:
    """A trained classifier of spectrograms with its penultimate features."""

    STEPS, PASSES = 1000, 60

    def __init__(self, network: keras.Model, transform: Transform) -> None:
        self.network = network
        self.transform = transform

    @classmethod
    def untrained(cls, transform: Transform, labels: int, *, seed: int = 0) -> Self:
        """Make one for this number of labels."""
        silence = np.zeros((1, transform.frames, transform.bins), np.float32)
        shape = log_mel(silence, transform).shape[1:]
        return cls(_network(shape, labels, keras.random.SeedGenerator(seed)), transform)

    @classmethod
    def train(
        cls, data: Dataset, *, steps: int | None = None, batch_size: int = 64, seed: int = 0
    ) -> Self:
        """Make one and let it learn from training clips, all of which have a label."""
        recogniser = cls.untrained(data.transform, len(data.labels), seed=seed)
        recogniser.learn(data, steps=steps, batch_size=batch_size, seed=seed)
        return recogniser

    def learn(
        self,
        data: Dataset,
        *,
        steps: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        cluster: Cluster | None = None,
    ) -> None:
        """Learn the labels of clips, all of which have one.

        It takes at most `steps` optimizer steps, so more clips take no longer; fewer clips get
        fewer steps, so that none is heard more than `PASSES` times. Of more than `MOST_CLIPS`
        clips a random sample is used. In a cluster, whose strategy's scope it was made in, `data`
        is this machine's share, of which each step takes its part of the batch.
        """
        cluster = cluster or Cluster()
        heard = data.subsample(MOST_CLIPS // cluster.workers, seed)
        values, label_ids = heard.clips, heard.label_ids
        clips = sum(cluster.exchange(len(values)))
        steps = min(steps or self.STEPS, math.ceil(self.PASSES * clips / batch_size))
        share = -(-batch_size // cluster.replicas) * cluster.local_replicas
        mels = normalised(log_mel(values, self.transform)).numpy()
        network = self.network
        synchronise(cluster, share // cluster.local_replicas, network)
        labels = network.output[1].shape[1]
        with cluster.strategy.scope():
            optimizer = keras.optimizers.AdamW(
                keras.optimizers.schedules.CosineDecay(
                    1e-4, steps, warmup_target=3e-3, warmup_steps=steps // 8
                ),
                weight_decay=0.02,
            )
            optimizer.build(network.trainable_variables)
        smooth = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=LABEL_SMOOTHING
        )

        def of_replica(x: tf.Tensor, y: tf.Tensor, step_seed: tf.Tensor) -> None:
            x, y = cluster.part(x), cluster.part(y)
            with tf.GradientTape() as tape:
                _, logits = network(augmented(x, cluster.own_seed(step_seed)), training=True)
                loss = smooth(tf.one_hot(y, labels), logits) / cluster.replicas
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

        @tf.function
        def step(x: tf.Tensor, y: tf.Tensor, step_seed: tf.Tensor) -> None:
            cluster.strategy.run(of_replica, args=(x, y, step_seed))

        options = tf.data.Options()
        options.autotune.enabled = False  # its thread sleeps, and the last batch waits for it
        calls = (
            tf.data.Dataset.from_tensor_slices((mels, label_ids.astype(np.int32)))
            .shuffle(len(mels), seed=seed)
            .repeat()
            .batch(share, drop_remainder=True)
            .take(steps)
            .with_options(options)
        )
        for number, (x, y) in enumerate(calls):
            step(x, y, tf.constant([seed, number]))

    def listen(self, values: np.ndarray | Rows) -> tuple[np.ndarray, np.ndarray]:
        """(clips, frames, bins) to features (clips, FEATURES) and label indices (clips,)."""
        mels = normalised(log_mel(values, self.transform)).numpy()
        outputs = [self.network(mels[part]) for part in batches(mels)]
        features, logits = (np.concatenate(part) for part in zip(*outputs, strict=True))
        return features, logits.argmax(axis=1)


def mel_graph(transform: Transform) -> Callable[[tf.Tensor], tf.Tensor]:
    """Make the function from spectrograms (clips, frames, bins) in 0..1 to `log_mel`'s decibels.

    It can be differentiated.
    """
    bands = min(BANDS, transform.bins // 2)
    mel = tf.signal.linear_to_mel_weight_matrix(
        bands, transform.bins + 1, transform.sample_rate, 0.0, transform.sample_rate / 2
    )[:-1]
    mel = mel / tf.maximum(tf.reduce_sum(mel, axis=0), 1e-6)
    pool = max(1, round(HOP_SECONDS * transform.sample_rate / transform.hop_length))

    def graph(x: tf.Tensor) -> tf.Tensor:
        decibels = (1 - tf.cast(x, tf.float32)) * transform.floor_db
        power = tf.exp(decibels * (math.log(10) / 10)) @ mel
        power = tf.nn.avg_pool1d(power, pool, pool, "SAME")
        return 10 / math.log(10) * tf.math.log(power + 1e-12)

    return graph


def log_mel(values: np.ndarray | Rows, transform: Transform) -> np.ndarray:
    """Spectrograms (clips, frames, bins) in 0..1 to decibels in mel bands.

    Gives (clips, about one frame per `HOP_SECONDS`, bands) float32.
    """
    graph = _compiled_mel_graph(transform)
    return np.concatenate([graph(values[part]).numpy() for part in batches(values)])


@lru_cache(maxsize=4)
def _compiled_mel_graph(transform: Transform) -> Callable[[tf.Tensor], tf.Tensor]:
    return tf.function(mel_graph(transform), reduce_retracing=True)


def normalised(mels: tf.Tensor, loudest: tf.Tensor | None = None) -> tf.Tensor:
    """Decibels (clips, frames, bands) to 0 and up, where 1 is each clip's loudest band.

    Or 1 is what is given as `loudest`, (clips, 1, 1) in decibels.
    """
    if loudest is None:
        loudest = loudest_of(mels)
    return tf.nn.relu(1 + (mels - loudest) / RANGE_DB)


def loudest_of(mels: tf.Tensor) -> tf.Tensor:
    """Take the loudest band of each clip, (clips, 1, 1)."""
    return tf.reduce_max(mels, axis=[1, 2], keepdims=True)


def augmented(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """(batch, frames, bands) in 0..1, each clip changed in its own random way."""
    batch, frames, bands = tf.shape(x)[0], x.shape[1], x.shape[2]
    seeds = iter(tf.unstack(tf.random.split(seed, 16)))

    def uniform(low: float, high: float, *shape: int) -> tf.Tensor:
        return tf.random.stateless_uniform([batch, *shape], next(seeds), low, high)

    # other speed, later or earlier, longer or shorter vocal tract: resampling of both axes
    time = (
        tf.range(frames, dtype=tf.float32) * uniform(0.85, 1.18, 1)
        - uniform(-0.06, 0.15, 1) * frames
    )
    pitch = tf.range(bands, dtype=tf.float32) * uniform(0.93, 1.07, 1) + uniform(-1.0, 1.0, 1)
    x = _resampled(x, time, axis=1, outside=0.0)
    x = _resampled(x, pitch, axis=2, outside=None)

    # blur (as a decoder does) or roughen (as reverberation and noise do)
    blurred = _blurred(x)
    blurred = _mix(blurred, _blurred(blurred), uniform(0, 1, 1, 1))
    x = _mix(x, blurred, tf.maximum(uniform(-0.5, 1, 1, 1), 0))
    rough = tf.random.stateless_normal(tf.shape(x), next(seeds)) * uniform(0, 0.06, 1, 1)
    x = tf.where(x > 0, x + rough, x)

    # microphones and rooms: a smooth filter, a noise floor of its own colour, another gain
    angles = tf.range(bands, dtype=tf.float32)[None, :, None] * math.pi / bands * tf.range(1.0, 5.0)
    colour = tf.einsum("bkc,nc->nbk", tf.cos(angles), uniform(-0.07, 0.07, 4))[..., 0][:, None]
    x = tf.where(x > 0, x + colour, x)
    floor = uniform(-0.4, 0.35, 1, 1) + 2 * tf.reverse(colour, [2])
    floor += 0.06 * tf.random.stateless_normal(tf.shape(x), next(seeds))
    x = tf.maximum(x, floor) - uniform(0.0, 0.1, 1, 1)

    # no single moment or band may decide
    x *= _mask(frames, uniform(0, frames, 1), uniform(0, frames / 8, 1))[:, :, None]
    x *= _mask(bands, uniform(0, bands, 1), uniform(0, bands / 6, 1))[:, None, :]
    return tf.maximum(x, 0.0)


def _mix(a: tf.Tensor, b: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    return a + share * (b - a)


def _blurred(x: tf.Tensor) -> tf.Tensor:
    """Mean of 3 x 3 neighbours; one axis after the other, for a 2-D pool of one channel is slow."""
    for _ in range(2):
        x = tf.transpose(tf.nn.avg_pool1d(x, 3, 1, "SAME"), [0, 2, 1])
    return x


def _mask(length: int, start: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """0 in start..start + width, 1 elsewhere, (batch, length)."""
    place = tf.range(length, dtype=tf.float32)[None]
    return 1 - tf.cast((place >= start) & (place < start + width), tf.float32)


def _resampled(x: tf.Tensor, at: tf.Tensor, axis: int, outside: float | None) -> tf.Tensor:
    """X read at fractional places `at` (batch, length) of an axis, linearly interpolated."""
    last = x.shape[axis] - 1
    inside = tf.clip_by_value(at, 0.0, float(last))
    below = tf.cast(tf.floor(inside), tf.int32)
    above = tf.minimum(below + 1, last)
    share = inside - tf.cast(below, tf.float32)
    share = share[:, :, None] if axis == 1 else share[:, None, :]
    x = _mix(
        tf.gather(x, below, axis=axis, batch_dims=1) if axis == 1 else _columns(x, below),
        tf.gather(x, above, axis=axis, batch_dims=1) if axis == 1 else _columns(x, above),
        share,
    )
    if outside is None:
        return x
    known = tf.cast((at >= 0) & (at <= last), tf.float32)
    return x * known[:, :, None] + outside * (1 - known[:, :, None])


def _columns(x: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    return tf.transpose(tf.gather(tf.transpose(x, [0, 2, 1]), at, axis=1, batch_dims=1), [0, 2, 1])


def _network(shape: tuple[int, ...], labels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    mels = layers.Input(shape)
    x = layers.Reshape((*shape, 1))(mels)
    for filters, size in ((24, 5), (48, 3), (96, 3), (96, 3)):
        initializer = keras.initializers.HeNormal(seed=seed)
        x = layers.Conv2D(
            filters, size, 2, padding="same", use_bias=False, kernel_initializer=initializer
        )(x)
        x = layers.ReLU()(BatchNormalization(momentum=0.95)(x))
    x = layers.Dropout(0.2, seed=0)(layers.Flatten()(x))
    features = layers.Dense(
        FEATURES, kernel_initializer=keras.initializers.GlorotUniform(seed=seed)
    )(x)
    x = layers.ReLU()(BatchNormalization(momentum=0.95)(features))
    logits = layers.Dense(labels, kernel_initializer=keras.initializers.GlorotUniform(seed=seed))(x)
    return keras.Model(mels, [features, logits])
