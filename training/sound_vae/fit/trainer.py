"""The optimisation: steps, epochs, the loss, and the best weights."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import batches, bounded_map
from sound_vae.fit.device import Device
from sound_vae.fit.schedule import Schedule
from sound_vae.model.autoencoder import VAE, computing_in, elbo_loss, kl_divergence
from sound_vae.model.label_prior import LabelPrior
from sound_vae.model.listener import LAYERS, Listener

OFF_LABEL_WEIGHT = 100.0  # of lying off the label's prior mean, against 1 of the divergence
LISTENER_WEIGHT = 0.25  # of each of the listener's layers, against 1 of the spectrogram


class TrainingFailed(Exception):  # noqa: N818 - it reads as what happened
    """Training cannot go on; the message is a sentence for whoever can mend it."""


class Trainer:
    """Trains a VAE on the spectrograms of a Dataset, and measures it on those of another.

    They lie on the device when they fit there. Otherwise those of the next call are read while it
    computes; batches and results are the same. Without a `listener` errors count by their
    spectrogram alone.
    """

    def __init__(
        self,
        vae: VAE,
        training: Dataset,
        validation: Dataset,
        schedule: Schedule,
        *,
        listener: Listener | None = None,
        device: Device | None = None,
    ) -> None:
        self.vae, self.schedule, self.listener = vae, schedule, listener
        self.training, self.validation = training, validation
        self.device = device or Device.here()
        self.label_ids = training.label_ids.astype(np.int32)
        self.prior = LabelPrior(len(training.labels), vae.architecture.latent_dim)
        self.resident = self.device.resident(training.clips.values)
        self.batch_size = min(schedule.batch_size, len(training))
        self.steps = max(len(training) // self.batch_size, schedule.least_steps)
        self.values_per_clip = int(np.prod(training.clips.shape[1:]))
        self.adam = keras.optimizers.Adam(schedule.learning_rates(self.steps), clipnorm=1.0)
        self.optimizer = self.adam
        if self.device.precision == "mixed_float16":  # small gradients would become 0
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.adam)
        self.optimizer.build(vae.trainable_variables)
        self._compile(self.device.xla)
        self.best_loss = math.inf
        self.best_weights = vae.get_weights()

    def run(self, after_epoch: Callable[[dict[str, float]], None], done: int = 0) -> None:
        """Train the epochs after the first `done`, handing the figures of each to `after_epoch`.

        The best weights stay; after a warm start those may be the ones that it began with.

        Raises TrainingFailed when the loss is no longer a number.
        """
        if self.schedule.warm_start and not done:
            self.best_loss = self.evaluate()["val_loss"]
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
            after_epoch(figures)
        self.vae.set_weights(self.best_weights)

    def evaluate(self, vae: VAE | None = None, data: Dataset | None = None) -> dict[str, float]:
        """val_loss, mse and kl of the validation clips, with the same latent noise every time.

        Another VAE than the trained one can be given, as long as it has the same shapes, and other
        clips, whose labels are those that the VAE was trained with.
        """
        data = data or self.validation
        prior = self.prior
        if vae:
            prior = LabelPrior(len(data.labels), vae.architecture.latent_dim)
        vae = vae or self.vae
        clips, label_ids = data.clips, data.label_ids.astype(np.int32)
        sums = np.zeros(3 + LAYERS)
        for part in batches(clips):
            x, start = clips[part], tf.constant(part.start)
            means = self._validation_terms(vae, prior, x, label_ids[part], start)
            sums += len(x) * means.numpy()
        terms = tf.constant(sums / len(clips), tf.float32)
        loss = self._loss(terms, self.schedule.kl_weight)
        return {"val_loss": float(loss), "mse": float(terms[0]), "kl": float(terms[1])}

    def calls(self, epoch: int) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """Spectrograms, which of them make each step's batch, and their label ids, call by call."""
        rng = np.random.default_rng([self.schedule.seed, epoch])
        rounds = math.ceil(self.steps * self.batch_size / len(self.training))
        order = np.concatenate([self.training.order(rng) for _ in range(rounds)])
        steps = order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)
        size = self.schedule.steps_per_call
        parts = [steps[first : first + size] for first in range(0, self.steps, size)]
        with ThreadPoolExecutor(1) as pool:
            yield from bounded_map(pool, self._call, parts, 1)

    def _call(self, clips: np.ndarray) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        label_ids = tf.constant(self.label_ids[clips])
        if self.resident is not None:
            return self.resident, tf.constant(self.training.clips.rows[clips], tf.int32), label_ids
        with tf.device(self.device.name):
            values = tf.constant(self.training.clips[clips.ravel()])
        return values, tf.reshape(tf.range(clips.size), clips.shape), label_ids

    def _train_epoch(self, epoch: int) -> float:
        kl_weight = tf.constant(self.schedule.kl_weight_in(epoch), tf.float32)
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
        clips = self.training.clips
        # for any number of steps: the last call of an epoch has fewer, and would be traced anew
        signature = [
            tf.TensorSpec([None, *clips.shape[1:]], clips.values.dtype),
            tf.TensorSpec([None, self.batch_size], tf.int32),
            tf.TensorSpec([None, self.batch_size], tf.int32),
            tf.TensorSpec([], tf.float32),
        ]

        @partial(tf.function, input_signature=signature)
        def train_steps(
            values: tf.Tensor, batches: tf.Tensor, label_ids: tf.Tensor, kl_weight: tf.Tensor
        ) -> tf.Tensor:
            """One optimizer step for each row of clip indices (steps, batch); the losses' sum."""
            total = tf.constant(0.0)
            for i in tf.range(tf.shape(batches)[0]):
                x = tf.gather(values, batches[i])
                total += step(x, label_ids[i], kl_weight)
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
                terms = self._terms(
                    self.vae, self.prior, x, label_ids, wanted, noise_seed, training=True
                )
                loss = self._loss(terms, kl_weight)
                scaled = self.optimizer.scale_loss(loss)
        weights = self.vae.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        return loss

    @tf.function(reduce_retracing=True)
    def _validation_terms(
        self, vae: VAE, prior: LabelPrior, x: tf.Tensor, label_ids: tf.Tensor, start: tf.Tensor
    ) -> tf.Tensor:
        x = tf.cast(x, tf.float32)
        wanted = self.listener.features(x) if self.listener else []
        return self._terms(vae, prior, x, label_ids, wanted, tf.stack([0, start]), training=False)

    def _terms(
        self,
        vae: VAE,
        prior: LabelPrior,
        x: tf.Tensor,
        label_ids: tf.Tensor,
        wanted: list[tf.Tensor],
        noise_seed: tf.Tensor,
        training: bool,
    ) -> tf.Tensor:
        """Batch means of squared error, divergence, distance off label and each layer's error.

        Gives (3 + LAYERS,). `wanted` are the listener's features of x.
        """
        mu, log_var = vae.encode(x, training)
        noise = tf.random.stateless_normal(tf.shape(mu), noise_seed)
        reconstruction = vae.decode(mu + tf.exp(0.5 * log_var) * noise, training)
        offset = prior.offset(mu, label_ids)
        means = tf.stack(
            [
                tf.reduce_mean(tf.square(reconstruction - x)),
                tf.reduce_mean(kl_divergence(offset, log_var)),
                tf.reduce_mean(prior.off_label(offset, label_ids)),
            ]
        )
        heard = self.listener.errors(wanted, reconstruction) if self.listener else tf.ones([LAYERS])
        return tf.concat([means, heard], 0)

    def _loss(self, terms: tf.Tensor, kl_weight: tf.Tensor | float) -> tf.Tensor:
        """Loss of the batch; each of the listener's layers has a calibrated likelihood, too."""
        nats = kl_weight * terms[1] + OFF_LABEL_WEIGHT * terms[2]
        heard = 0.5 * tf.reduce_sum(tf.math.log(terms[3:] + 1e-6))
        return elbo_loss(terms[0], nats, self.values_per_clip) + LISTENER_WEIGHT * heard


def _progress(epoch: int, epochs: int, step: int, steps: int) -> None:
    """Draw a bar on a terminal; a log file gets one line an epoch instead."""
    if not sys.stdout.isatty():
        return
    done = 30 * step // steps
    bar = "━" * done + "─" * (30 - done)
    print(f"\repoch {epoch}/{epochs} {bar} {step}/{steps}", end="", flush=True)
    if step == steps:
        print("\r" + " " * 79 + "\r", end="", flush=True)
