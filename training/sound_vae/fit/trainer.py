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

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import batches, bounded_map
from sound_vae.fit.device import Device
from sound_vae.fit.schedule import Schedule
from sound_vae.model.autoencoder import VAE, computing_in, elbo_loss, kl_divergence
from sound_vae.model.label_prior import LabelPrior
from sound_vae.model.listener import LAYERS, Heard, Listener
from sound_vae.model.normalization import synchronise

OFF_LABEL_WEIGHT = 100.0  # of lying off the label's prior mean, against 1 of the divergence
LISTENER_WEIGHT = 0.25  # of each of the listener's layers, against 1 of the spectrogram


class TrainingFailed(Exception):  # noqa: N818 - it reads as what happened
    """Training cannot go on; the message is a sentence for whoever can mend it."""


class Trainer:
    """Trains a VAE on the spectrograms of a Dataset, and measures it on those of another.

    They lie on the device when they fit there. Otherwise those of the next call are read while it
    computes; batches and results are the same. Without a `listener` errors count by their
    spectrogram alone.

    In a cluster, whose strategy's scope `vae` was made in, the datasets are this machine's shares.
    A step takes `batch_size` clips of all shares together, each replica's part by itself: what it
    learns is the mean over replicas of their gradients, each of a loss of its own clips and clipped
    as those of one device are. Where a replica has few clips, batch normalisation goes by those of
    all, in so many `exchanges` a step, and XLA compiles nothing.
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
        cluster: Cluster | None = None,
    ) -> None:
        self.vae, self.schedule, self.listener = vae, schedule, listener
        self.training, self.validation = training, validation
        self.cluster = cluster or Cluster()
        self.device = device or Device.here(self.cluster.local_replicas)
        self.label_ids = training.label_ids.astype(np.int32)
        self.prior = LabelPrior(len(training.labels), vae.architecture.latent_dim)
        self.resident = self.device.resident(training.clips.values)
        clips = sum(self.cluster.exchange(len(training)))
        self.batch_size = min(schedule.batch_size, clips)  # clips of a step, of all machines
        self.steps = max(clips // self.batch_size, schedule.least_steps)
        # rounded up, so that each of the machine's replicas has as many
        self.share = -(-self.batch_size // self.cluster.replicas) * self.cluster.local_replicas
        each = self.share // self.cluster.local_replicas
        self.exchanges = 2 * synchronise(self.cluster, each, vae.encoder, vae.decoder)
        self.values_per_clip = int(np.prod(training.clips.shape[1:]))
        with self.cluster.strategy.scope():
            self.adam = keras.optimizers.Adam(
                schedule.learning_rates(self.steps),
                clipnorm=1.0 / self.cluster.replicas,  # of what they add to the mean
            )
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
            figures["samples_per_second"] = self.steps * self._step_clips / seconds
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
        clips, whose labels are those that the VAE was trained with. Without them, those of all
        machines of the cluster count.
        """
        machines = 1 if data else self.cluster.workers
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
        count = len(clips)
        if machines > 1:
            totals = self.cluster.gather(np.append(sums, count)[None]).sum(axis=0)
            sums, count = totals[:-1], int(totals[-1])
        terms = tf.constant(sums / count, tf.float32)
        loss = self._loss(terms, self.schedule.kl_weight)
        return {"val_loss": float(loss), "mse": float(terms[0]), "kl": float(terms[1])}

    def calls(self, epoch: int) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """Spectrograms, which of them make each step's batch, and their label ids, call by call.

        In a cluster these are of this machine's share of the clips.
        """
        machine = [self.cluster.index] if self.cluster.workers > 1 else []
        rng = np.random.default_rng([self.schedule.seed, epoch, *machine])
        rounds = math.ceil(self.steps * self.share / len(self.training))
        order = np.concatenate([self.training.order(rng) for _ in range(rounds)])
        steps = order[: self.steps * self.share].reshape(self.steps, self.share)
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

    @property
    def _step_clips(self) -> int:
        """Clips that a step takes on all machines."""
        return self.share * self.cluster.workers

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
        self.xla, strategy = xla, self.cluster.strategy
        # what replicas reduce together cannot be compiled
        self._gradients_of = self._gradients
        step = self._step
        if xla and self.cluster.replicas == 1:
            step = tf.function(self._step, jit_compile=True)
        elif xla and not self.exchanges:
            self._gradients_of = tf.function(self._gradients, jit_compile=True)
        clips = self.training.clips
        # for any number of steps: the last call of an epoch has fewer, and would be traced anew
        signature = [
            tf.TensorSpec([None, *clips.shape[1:]], clips.values.dtype),
            tf.TensorSpec([None, self.share], tf.int32),
            tf.TensorSpec([None, self.share], tf.int32),
            tf.TensorSpec([], tf.float32),
        ]

        @partial(tf.function, input_signature=signature)
        def train_steps(
            values: tf.Tensor, batches: tf.Tensor, label_ids: tf.Tensor, kl_weight: tf.Tensor
        ) -> tf.Tensor:
            """One optimizer step for each row of clip indices (steps, batch); the losses' sum."""

            def of_replica(batch: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
                with tf.device(self.device.name):
                    x = tf.gather(values, self.cluster.part(batch))
                return step(x, self.cluster.part(label_ids), kl_weight)

            total = tf.constant(0.0)
            for i in tf.range(tf.shape(batches)[0]):
                losses = strategy.run(of_replica, args=(batches[i], label_ids[i]))
                total += strategy.reduce(tf.distribute.ReduceOp.MEAN, losses, axis=None)
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
        """One optimizer step; gives the loss of this replica."""
        iteration = tf.cast(self.adam.iterations, tf.int32)
        noise_seed = self.cluster.own_seed(tf.stack([self.schedule.seed, iteration]))
        loss, gradients = self._gradients_of(x, label_ids, kl_weight, noise_seed)
        weights = self.vae.trainable_variables
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    def _gradients(
        self, x: tf.Tensor, label_ids: tf.Tensor, kl_weight: tf.Tensor, noise_seed: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Loss and gradients; the optimizer adds up those of all replicas."""
        x = tf.cast(x, tf.float32)
        models = [self.vae.encoder, self.vae.decoder]
        if self.listener:
            models.append(self.listener.network)
        with computing_in(self.device.precision, *models):
            wanted = self.listener.hear(x) if self.listener else None
            with tf.GradientTape() as tape:
                terms = self._terms(
                    self.vae, self.prior, x, label_ids, wanted, noise_seed, training=True
                )
                loss = self._loss(terms, kl_weight)
                scaled = self.optimizer.scale_loss(loss / self.cluster.replicas)
        return loss, tape.gradient(scaled, self.vae.trainable_variables)

    @tf.function(reduce_retracing=True)
    def _validation_terms(
        self, vae: VAE, prior: LabelPrior, x: tf.Tensor, label_ids: tf.Tensor, start: tf.Tensor
    ) -> tf.Tensor:
        x = tf.cast(x, tf.float32)
        wanted = self.listener.hear(x) if self.listener else None
        return self._terms(vae, prior, x, label_ids, wanted, tf.stack([0, start]), training=False)

    def _terms(
        self,
        vae: VAE,
        prior: LabelPrior,
        x: tf.Tensor,
        label_ids: tf.Tensor,
        wanted: Heard | None,
        noise_seed: tf.Tensor,
        training: bool,
    ) -> tf.Tensor:
        """Batch means of squared error, divergence, distance off label and each layer's error.

        Gives (3 + LAYERS,). `wanted` is what the listener makes of x.
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
        heard = tf.ones([LAYERS])
        if self.listener and wanted:
            heard = self.listener.errors(wanted, reconstruction)
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
