"""The optimisation: steps, epochs, the learning rate, and the best weights."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from sound_vae.data.streaming import Rows, ahead, batches
from sound_vae.fit.device import Device
from sound_vae.model.autoencoder import VAE, computing_in, elbo_loss, kl_divergence
from sound_vae.model.label_prior import LabelPrior
from sound_vae.model.listener import LAYERS, Listener

WARMUP_SHARE = 1 / 7  # of the epochs, over which the divergence gets its weight
STRAY_WEIGHT = 100.0  # of missing one's label in latent space, against 1 of the divergence
LISTENER_WEIGHT = 0.25  # of each of the listener's layers, against 1 of the spectrogram


class TrainingFailed(Exception):  # noqa: N818 - it reads as what happened
    """Training cannot go on; the message is a sentence for whoever can mend it."""


@dataclass(frozen=True)
class Schedule:
    """Length and pace of a run."""

    epochs: int
    batch_size: int
    learning_rate: float  # at its peak
    warmup_epochs: float
    steps_per_call: int
    seed: int
    kl_weight: float = 1.0


def choose_batch_size(clips: int) -> int:
    """Small enough that an epoch has some 40 steps, for few clips need many steps to learn from."""
    return int(min(max(2 ** round(math.log2(clips / 40)), 8), 32))


class Trainer:
    """Trains a VAE on spectrograms.

    They lie on the device when they fit there. Otherwise those of the next call are read while it
    computes; batches and results are the same.

    `label_ids` are those of the training and of the validation clips, negative for none; `labels`
    is how many there are. Without a `listener` errors count by their spectrogram alone.
    """

    def __init__(
        self,
        vae: VAE,
        train: np.ndarray | Rows,
        validation: np.ndarray | Rows,
        schedule: Schedule,
        *,
        labels: int = 0,
        label_ids: tuple[np.ndarray, np.ndarray] | None = None,
        listener: Listener | None = None,
        device: Device | None = None,
    ) -> None:
        self.vae, self.schedule, self.listener = vae, schedule, listener
        self.device = device or Device.here()
        # (clips, frames, bins)
        self.train = train if isinstance(train, Rows) else Rows(train, np.arange(len(train)))
        self.validation = validation
        if label_ids is None:
            label_ids = np.full(len(train), -1), np.full(len(validation), -1)
        self.train_ids, self.validation_ids = (ids.astype(np.int32) for ids in label_ids)
        self.prior = LabelPrior(labels, vae.architecture.latent_dim)
        self.resident = self.device.resident(self.train.values)
        self.batch_size = min(schedule.batch_size, len(train))
        self.steps = len(train) // self.batch_size
        self.values = int(np.prod(train.shape[1:]))
        self.adam = keras.optimizers.Adam(self._learning_rate(), clipnorm=1.0)
        self.optimizer = self.adam
        if self.device.precision == "mixed_float16":  # small gradients would become 0
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.adam)
        self.optimizer.build(vae.trainable_variables)
        self._compile(self.device.xla)
        self.best_loss = math.inf
        self.best_weights = vae.get_weights()

    def run(self, report: Callable[[dict[str, float]], None], done: int = 0) -> None:
        """Train the epochs after the first `done`, calling `report` with the figures of each.

        The best weights stay.

        Raises TrainingFailed when the loss is no longer a number.
        """
        for epoch in range(done + 1, self.schedule.epochs + 1):
            started = time.perf_counter()
            train_loss = self._train_epoch(epoch)
            seconds = time.perf_counter() - started
            figures = {"epoch": epoch, "train_loss": train_loss, **self.evaluate()}
            figures["seconds"] = time.perf_counter() - started
            figures["samples_per_second"] = self.steps * self.batch_size / seconds
            figures["seconds_per_step"] = seconds / self.steps
            self._check(figures["val_loss"], epoch)
            if figures["val_loss"] < self.best_loss:
                self.best_loss = figures["val_loss"]
                self.best_weights = self.vae.get_weights()
            report(figures)
        self.vae.set_weights(self.best_weights)

    def evaluate(self, vae: VAE | None = None) -> dict[str, float]:
        """val_loss, mse and kl of the validation clips, with the same latent noise every time.

        Another VAE than the trained one can be given, as long as it has the same shapes.
        """
        vae = vae or self.vae
        sums = np.zeros(3 + LAYERS)
        for part in batches(self.validation):
            x, label_ids = self.validation[part], self.validation_ids[part]
            means = self._validation_terms(vae, x, label_ids, tf.constant(part.start))
            sums += len(x) * means.numpy()
        terms = tf.constant(sums / len(self.validation), tf.float32)
        loss = self._loss(terms, self.schedule.kl_weight)
        return {"val_loss": float(loss), "mse": float(terms[0]), "kl": float(terms[1])}

    def residual(self, above: float) -> float:
        """Root mean square error of the validation clips' values that are decoded `above`."""
        total, count = 0.0, 0
        for part in batches(self.validation):
            x = tf.cast(self.validation[part], tf.float32)
            decoded = self.vae(x).numpy()
            errors = (decoded - x.numpy())[decoded > above]
            total, count = total + float(np.square(errors).sum()), count + errors.size
        return math.sqrt(total / max(count, 1))

    def posterior_means(self, values: np.ndarray | Rows) -> np.ndarray:
        """(clips, frames, bins) to (clips, latent_dim)."""
        encode = tf.function(lambda x: self.vae.encode(tf.cast(x, tf.float32))[0])
        means = [encode(tf.constant(values[part])).numpy() for part in batches(values)]
        return np.concatenate(means)

    def _learning_rate(self) -> keras.optimizers.schedules.LearningRateSchedule:
        steps = self.schedule.epochs * self.steps
        warmup = min(round(self.schedule.warmup_epochs * self.steps), steps - 1)
        peak = self.schedule.learning_rate
        return keras.optimizers.schedules.CosineDecay(
            peak / max(warmup, 1) if warmup else peak,
            max(steps - warmup, 1),
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )

    def calls(self, epoch: int) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """Spectrograms, which of them make each step's batch, and their label ids, call by call."""
        order = np.random.default_rng([self.schedule.seed, epoch]).permutation(len(self.train))
        batches = order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)
        size = self.schedule.steps_per_call
        parts = [batches[first : first + size] for first in range(0, self.steps, size)]
        with ThreadPoolExecutor(1) as pool:
            yield from ahead(pool, self._call, parts, 1)

    def _call(self, clips: np.ndarray) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        label_ids = tf.constant(self.train_ids[clips])
        if self.resident is not None:
            return self.resident, tf.constant(self.train.rows[clips], tf.int32), label_ids
        with tf.device(self.device.name):
            values = tf.constant(self.train[clips.ravel()])
        return values, tf.reshape(tf.range(clips.size), clips.shape), label_ids

    def _train_epoch(self, epoch: int) -> float:
        warm = min(epoch / max(self.schedule.epochs * WARMUP_SHARE, 1), 1)
        kl_weight = tf.constant(warm * self.schedule.kl_weight, tf.float32)
        total, done = 0.0, 0
        for call in self.calls(epoch):
            loss = self._run(*call, kl_weight)
            self._check(loss, epoch)
            total, done = total + loss, done + len(call[1])
            _progress(epoch, self.schedule.epochs, done, self.steps)
        return total / self.steps

    def _compile(self, xla: bool) -> None:
        self.xla = xla
        step = tf.function(self._step, jit_compile=True) if xla else self._step

        @partial(tf.function, reduce_retracing=True)
        def train_steps(
            values: tf.Tensor, batches: tf.Tensor, label_ids: tf.Tensor, kl_weight: tf.Tensor
        ) -> tf.Tensor:
            """One optimizer step for each row of clip indices (steps, batch); the losses' sum."""
            total = tf.constant(0.0)
            for i in tf.range(tf.shape(batches)[0]):
                x = tf.gather(values, batches[i])
                x = tf.ensure_shape(x, [self.batch_size, *self.train.shape[1:]])
                total += step(x, tf.ensure_shape(label_ids[i], [self.batch_size]), kl_weight)
            return total

        self._train_steps = train_steps

    def _run(self, *call: tf.Tensor) -> float:
        try:
            return float(self._train_steps(*call))
        except tf.errors.OpError as error:
            if not self.xla:
                raise
            print(f"going on without XLA: {error.message.splitlines()[0][:200]}", flush=True)
            self._compile(xla=False)
            return float(self._train_steps(*call))

    def _check(self, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise TrainingFailed(
                f"the loss became {loss} in epoch {epoch} of {self.schedule.epochs}: try a "
                f"learning_rate below {self.schedule.learning_rate:g}"
            )

    def _step(self, x: tf.Tensor, label_ids: tf.Tensor, kl_weight: tf.Tensor) -> tf.Tensor:
        """One optimizer step; gives its loss."""
        x = tf.cast(x, tf.float32)
        noise_seed = tf.stack([self.schedule.seed, tf.cast(self.adam.iterations, tf.int32)])
        models = [self.vae.encoder, self.vae.decoder]
        if self.listener:
            models.append(self.listener.network)
        with computing_in(self.device.precision, *models):
            wanted = self.listener.features(x) if self.listener else []
            with tf.GradientTape() as tape:
                terms = self._terms(self.vae, x, label_ids, wanted, noise_seed, training=True)
                loss = self._loss(terms, kl_weight)
                scaled = self.optimizer.scale_loss(loss)
        weights = self.vae.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        return loss

    @tf.function(reduce_retracing=True)
    def _validation_terms(
        self, vae: VAE, x: tf.Tensor, label_ids: tf.Tensor, start: tf.Tensor
    ) -> tf.Tensor:
        x = tf.cast(x, tf.float32)
        wanted = self.listener.features(x) if self.listener else []
        return self._terms(vae, x, label_ids, wanted, tf.stack([0, start]), training=False)

    def _terms(
        self,
        vae: VAE,
        x: tf.Tensor,
        label_ids: tf.Tensor,
        wanted: list[tf.Tensor],
        noise_seed: tf.Tensor,
        training: bool,
    ) -> tf.Tensor:
        """Batch means of squared error, divergence, straying and each layer's error, (3 + LAYERS,).

        `wanted` are the listener's features of x.
        """
        mu, log_var = vae.encode(x, training)
        noise = tf.random.stateless_normal(tf.shape(mu), noise_seed)
        reconstruction = vae.decode(mu + tf.exp(0.5 * log_var) * noise, training)
        offset = self.prior.offset(mu, label_ids)
        means = tf.stack(
            [
                tf.reduce_mean(tf.square(reconstruction - x)),
                tf.reduce_mean(kl_divergence(offset, log_var)),
                tf.reduce_mean(self.prior.stray(offset, label_ids)),
            ]
        )
        heard = self.listener.errors(wanted, reconstruction) if self.listener else tf.ones([LAYERS])
        return tf.concat([means, heard], 0)

    def _loss(self, terms: tf.Tensor, kl_weight: tf.Tensor | float) -> tf.Tensor:
        """Objective to minimise; each of the listener's layers has a calibrated likelihood, too."""
        nats = kl_weight * terms[1] + STRAY_WEIGHT * terms[2]
        heard = 0.5 * tf.reduce_sum(tf.math.log(terms[3:] + 1e-6))
        return elbo_loss(terms[0], nats, self.values) + LISTENER_WEIGHT * heard


def round_weights(vae: VAE) -> None:
    """Keep 8 significant bits of each weight (the values bfloat16 has), so that they compress.

    Must come before anything is derived from the weights.
    """
    for variable in vae.trainable_variables:
        value = tf.convert_to_tensor(variable)
        variable.assign(tf.cast(tf.cast(value, tf.bfloat16), tf.float32))


def _progress(epoch: int, epochs: int, step: int, steps: int) -> None:
    """Draw a bar on a terminal; a log file gets one line an epoch instead."""
    if not sys.stdout.isatty():
        return
    done = 30 * step // steps
    bar = "━" * done + "─" * (30 - done)
    print(f"\repoch {epoch}/{epochs} {bar} {step}/{steps}", end="", flush=True)
    if step == steps:
        print("\r" + " " * 79 + "\r", end="", flush=True)
