"""Batch normalisation by the clips of all devices, in one exchange."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from sound_vae.cluster import Cluster

ENOUGH = 32  # clips to normalise by: a device that has fewer goes by those of all


class BatchNormalization(layers.BatchNormalization):
    """Keras's, which takes three exchanges each way where it is `synchronized`; this takes one.

    By the few clips of one device alone it would be the noisier, the more devices share a batch.
    All devices must have as many. Ioffe and Szegedy, "Batch normalization" (2015).
    """

    def _moments(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> Any:
        if not self.synchronized:
            return super()._moments(inputs, mask)
        x = tf.cast(inputs, tf.float32)
        means = tf.stack([tf.reduce_mean(of, self._reduction_axes) for of in (x, tf.square(x))])
        context = tf.distribute.get_replica_context()
        mean, square = tf.unstack(context.all_reduce(tf.distribute.ReduceOp.MEAN, means))
        variance = tf.maximum(square - tf.square(mean), 0)
        return tf.cast(mean, inputs.dtype), tf.cast(variance, inputs.dtype)


def synchronise(cluster: Cluster, clips: int, *models: keras.Model) -> int:
    """Decide by whose clips models normalise where each device has so many of a batch.

    Gives how many layers go by those of all devices, with an exchange each way in every step.
    """
    found = layers_of(*models)
    for layer in found:
        layer.synchronized = cluster.replicas > 1 and clips < ENOUGH
    return sum(layer.synchronized for layer in found)


def layers_of(*models: keras.Model) -> list[BatchNormalization]:
    """Find the layers of models that normalise."""
    every = (layer for model in models for layer in model.layers)
    return [layer for layer in every if isinstance(layer, BatchNormalization)]
