"""Teaches an exciter what excites the training clips, once the autoencoder has learnt.

    exciter = learn_exciter(vae, training, seed=0)

It has targets of its own, which are read off the spectrograms, and so needs no adversary. The same
weights and seed give the same exciter, so a run that was cut short here begins it again and comes
to the same end.
"""

import math
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.model.autoencoder import VAE
from sound_vae.model.coding import posteriors
from sound_vae.model.excitation import Analysis, analyse, octaves_heard
from sound_vae.model.exciter import build_exciter, pitch_distribution

STEPS, BATCH, SMALLEST_BATCH = 1200, 64, 8
FRAMES_A_STEP = 6_400  # of the clips in a batch, which are fewer when they are long
PASSES = 400  # fewer clips get fewer steps, so that none is heard more often than that
LEARNING_RATE = 2e-3  # at the beginning; it falls to 0 along half a cosine
MOST_CLIPS = 3000  # that are analysed; enough for the steps that there are
FRAMES_AT_ONCE = 2_000  # that are analysed: 14 MB with 128 bins, 57 MB with 512
# of squared errors, against 1 of the cross entropy of pitch
PERIODICITY_WEIGHT, FLOOR_WEIGHT = 20.0, 20.0


def learn_exciter(
    vae: VAE,
    data: Dataset,
    *,
    most_steps: int = STEPS,
    seed: int = 0,
    cluster: Cluster | None = None,
) -> keras.Model:
    """Train an exciter on the posteriors of training clips.

    It takes at most `most_steps` optimizer steps: of an autoencoder that had few, it learns no
    more from many. In a cluster `data` is this machine's share.
    """
    cluster = cluster or Cluster()
    heard = data.subsample(MOST_CLIPS // cluster.workers, seed)
    clips = sum(cluster.exchange(len(heard)))
    batch = min(BATCH, max(SMALLEST_BATCH, FRAMES_A_STEP // data.transform.frames))
    steps = min(STEPS, most_steps, math.ceil(PASSES * clips / batch))
    share = -(-batch // cluster.replicas) * cluster.local_replicas
    mu, log_var = posteriors(vae, heard)
    targets = _targets(heard)
    with cluster.strategy.scope():
        exciter = build_exciter(vae.architecture, octaves_heard(data.transform), seed=seed)
        weights = exciter.trainable_variables
        rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        optimizer = keras.optimizers.Adam(rate)
        optimizer.build(weights)

    def of_replica(
        mu: tf.Tensor, log_var: tf.Tensor, wanted: list[tf.Tensor], number: tf.Tensor
    ) -> None:
        mu, log_var, *wanted = map(cluster.part, (mu, log_var, *wanted))
        noise_seed = cluster.own_seed(tf.stack([seed, number]))
        noise = tf.random.stateless_normal(tf.shape(mu), noise_seed)
        z = mu + tf.exp(0.5 * log_var) * noise
        with tf.GradientTape() as tape:
            loss = _loss(exciter(z, training=True), wanted) / cluster.replicas
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    @partial(tf.function, reduce_retracing=True)
    def step(mu: tf.Tensor, log_var: tf.Tensor, wanted: list[tf.Tensor], number: tf.Tensor) -> None:
        cluster.strategy.run(of_replica, args=(mu, log_var, wanted, number))

    rng = np.random.default_rng([seed, cluster.index] if cluster.workers > 1 else seed)
    for number in range(steps):
        some = rng.integers(0, len(mu), share)
        wanted = [tf.constant(part[some], tf.float32) for part in targets]
        step(tf.constant(mu[some]), tf.constant(log_var[some]), wanted, tf.constant(number))
    return exciter


def _targets(data: Dataset) -> list[np.ndarray]:
    """Give the fields of an Analysis of all clips, in half precision."""
    at_once = max(FRAMES_AT_ONCE // data.transform.frames, 1)
    found = [
        analyse(data.clips[np.arange(start, min(start + at_once, len(data)))], data.transform)
        for start in range(0, len(data), at_once)
    ]
    names = Analysis.__dataclass_fields__
    return [np.concatenate([getattr(e, name) for e in found]).astype(np.float16) for name in names]


def _loss(given: list[tf.Tensor], wanted: list[tf.Tensor]) -> tf.Tensor:
    octaves, periodicity, floor, pitch_weight, band_weight, frame_weight = wanted
    semitones = pitch_distribution(octaves, given[0].shape[-1])
    off_pitch = _mean(tf.nn.softmax_cross_entropy_with_logits(semitones, given[0]), pitch_weight)
    off_floor = tf.reduce_mean(tf.square(given[2] - floor), axis=2)
    return (
        off_pitch
        + PERIODICITY_WEIGHT * _mean(tf.square(given[1] - periodicity), band_weight)
        + FLOOR_WEIGHT * _mean(off_floor, frame_weight)
    )


def _mean(errors: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(weight * errors) / tf.maximum(tf.reduce_sum(weight), 1e-3)
