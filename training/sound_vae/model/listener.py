"""How far apart two sounds are to a listener who knows the labels.

    listener = Listener.train(training)
    errors = listener.errors(listener.hear(x), reconstruction)   # one for each of LAYERS

To a mean squared error of spectrograms a missing consonant is as small as a missing breath. The
first layers of a network that has learnt to tell the labels apart weigh what matters for that:
Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer" (2016). The network is
frozen; the finished model is measured by another one.
"""

from typing import NamedTuple, Self

import keras
import tensorflow as tf
from keras import layers

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser, loudest_of, mel_graph, normalised
from sound_vae.model.vocoder import GRAIN_DB, LINES_DB

LACKING_DB = (GRAIN_DB + LINES_DB) / 2  # of a mean of decibels
LAYERS = 4  # convolutions of the recogniser
STEPS = 500  # of the recogniser's training


class Heard(NamedTuple):
    """What a listener makes of sounds."""

    features: list[tf.Tensor]  # of each of LAYERS
    loudest: tf.Tensor  # band of each sound in decibels, (batch, 1, 1), by which it was heard


class Listener:
    """The convolutions of a recogniser as a differentiable distance."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser = recogniser
        network = recogniser.network
        heard = [layer.output for layer in network.layers if isinstance(layer, layers.ReLU)]
        self.network = keras.Model(network.input, heard[:LAYERS])
        self.mels = mel_graph(recogniser.transform)

    @classmethod
    def untrained(
        cls, data: Dataset, *, seed: int = 0, cluster: Cluster | None = None
    ) -> Self | None:
        """Make one for the labels of the data; None when too few clips have one to learn from.

        In a cluster `data` is this machine's share.
        """
        cluster = cluster or Cluster()
        labelled = cluster.exchange(len(data.labelled()))
        if sum(labelled) < FEWEST_CLIPS or not all(labelled):
            return None
        with cluster.strategy.scope():
            return cls(Recogniser.untrained(data.transform, len(data.labels), seed=seed + 7))

    @classmethod
    def train(cls, data: Dataset, *, seed: int = 0) -> Self | None:
        """Make one and let it learn from training clips; None when too few have a label."""
        listener = cls.untrained(data, seed=seed)
        if listener:
            listener.learn(data, seed=seed)
        return listener

    def learn(self, data: Dataset, *, seed: int = 0, cluster: Cluster | None = None) -> None:
        """Train the recogniser on the clips that have a label."""
        self.recogniser.learn(data.labelled(), steps=STEPS, seed=seed + 7, cluster=cluster)

    def hear(self, values: tf.Tensor, loudest: tf.Tensor | None = None) -> Heard:
        """Listen to spectrograms (batch, frames, bins) in 0..1, relative to their loudest bands.

        Or relative to others that are given, (batch, 1, 1) in decibels.
        """
        mels = self.mels(values)
        if loudest is None:
            loudest = loudest_of(mels)
        return Heard(self.network(normalised(mels, loudest), training=False), loudest)

    def errors(self, wanted: Heard, values: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each layer's features of decoded `values`, (LAYERS,).

        They are heard relative to the loudest band of what is wanted, and as loud as a vocoder
        makes them. Otherwise a decoder learns to make single values, the same ones of all sounds,
        as loud as it takes to be heard like that.
        """
        made = values + LACKING_DB / -self.recogniser.transform.floor_db
        pairs = zip(wanted.features, self.hear(made, wanted.loudest).features, strict=True)
        return tf.stack(
            [
                tf.reduce_mean(tf.square(tf.cast(a, tf.float32) - tf.cast(b, tf.float32)))
                for a, b in pairs
            ]
        )
