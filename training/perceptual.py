"""How far apart two sounds are to a listener who knows the labels.

    listener = Listener.train(values, label_ids, transform)
    errors = listener.errors(listener.features(x), reconstruction)   # one for each of LAYERS

A mean squared error of spectrograms counts a missing consonant as little as a missing breath. The
first layers of a network that learnt to tell the labels apart count what the labels hang on:
Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer" (2016). The network is
frozen and is not the one that evaluate.py judges with.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from recogniser import FEWEST_CLIPS, Recogniser, mel_graph, normalised
from spectrogram import Transform

LAYERS = 4  # convolutions of the recogniser
STEPS = 500  # of the recogniser's training


class Listener:
    """The convolutions of a trained recogniser as a differentiable distance."""

    def __init__(self, recogniser: Recogniser) -> None:
        network = recogniser.network
        heard = [layer.output for layer in network.layers if isinstance(layer, layers.ReLU)]
        self.network = keras.Model(network.input, heard[:LAYERS])
        self.network.trainable = False
        self.mels = mel_graph(recogniser.transform)

    @classmethod
    def train(
        cls, values: np.ndarray, label_ids: np.ndarray, transform: Transform, *, seed: int = 0
    ) -> "Listener | None":
        """Learn from the clips (clips, frames, bins) that have a label (clips,).

        None when they are too few to learn anything from.
        """
        labelled = label_ids >= 0
        if labelled.sum() < FEWEST_CLIPS:
            return None
        values, label_ids = values[labelled], label_ids[labelled]
        recogniser = Recogniser.train(values, label_ids, transform, steps=STEPS, seed=seed + 7)
        return cls(recogniser)

    def features(self, values: tf.Tensor) -> list[tf.Tensor]:
        """Spectrograms (batch, frames, bins) in 0..1 to what each layer makes of them."""
        return self.network(normalised(self.mels(values)), training=False)

    def errors(self, wanted: list[tf.Tensor], values: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each layer's features of `values`, (LAYERS,)."""
        pairs = zip(wanted, self.features(values), strict=True)
        return tf.stack([tf.reduce_mean(tf.square(a - b)) for a, b in pairs])
