"""How far apart two sounds are to a listener who knows the labels.

    listener = Listener.train(values, label_ids, transform)
    errors = listener.errors(listener.features(x), reconstruction)   # one for each of LAYERS

A mean squared error of spectrograms counts a missing consonant as little as a missing breath. The
first layers of a network that learnt to tell the labels apart count what the labels hang on:
Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer" (2016). The network is
frozen and is not the one that evaluate.py judges with.
"""

from typing import Self

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from sound_vae.data.streaming import Rows
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser, mel_graph, normalised
from sound_vae.model.spectrogram import Transform

LAYERS = 4  # convolutions of the recogniser
STEPS = 500  # of the recogniser's training


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
        cls, label_ids: np.ndarray, transform: Transform, *, seed: int = 0
    ) -> Self | None:
        """For clips with these label ids; None when too few to learn from have a label."""
        if (label_ids >= 0).sum() < FEWEST_CLIPS:
            return None
        return cls(Recogniser.untrained(transform, int(label_ids.max()) + 1, seed=seed + 7))

    @classmethod
    def train(
        cls,
        values: np.ndarray | Rows,
        label_ids: np.ndarray,
        transform: Transform,
        *,
        seed: int = 0,
    ) -> Self | None:
        """Learn from the clips (clips, frames, bins) that have a label (clips,).

        None when they are too few to learn anything from.
        """
        listener = cls.untrained(label_ids, transform, seed=seed)
        if listener:
            listener.learn(values, label_ids, seed=seed)
        return listener

    def learn(self, values: np.ndarray | Rows, label_ids: np.ndarray, *, seed: int = 0) -> None:
        """Train the recogniser on the clips that have a label."""
        labelled = np.flatnonzero(label_ids >= 0)
        self.recogniser.learn(
            Rows(values, labelled), label_ids[labelled], steps=STEPS, seed=seed + 7
        )

    def features(self, values: tf.Tensor) -> list[tf.Tensor]:
        """Spectrograms (batch, frames, bins) in 0..1 to what each layer makes of them."""
        return self.network(normalised(self.mels(values)), training=False)

    def errors(self, wanted: list[tf.Tensor], values: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each layer's features of `values`, (LAYERS,)."""
        pairs = zip(wanted, self.features(values), strict=True)
        return tf.stack(
            [
                tf.reduce_mean(tf.square(tf.cast(a, tf.float32) - tf.cast(b, tf.float32)))
                for a, b in pairs
            ]
        )
