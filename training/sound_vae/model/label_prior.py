"""The prior of z while training: a Gaussian for each label.

With one N(0, I) for all, the labels overlap, and what lies between two of them decodes to neither.
A prior mean for each label keeps them apart. The decoder is not told the label: z alone decides
the sound. The means follow from two numbers, so they need neither training nor saving.
"""

import numpy as np
import tensorflow as tf

RADIUS = 5.0  # of the means around 0, in standard deviations of the prior


class LabelPrior:
    """N(mean of the label, I); N(0, I) for clips without a label."""

    def __init__(self, labels: int, latent_dim: int) -> None:
        rng = np.random.default_rng(0)
        # half of the dimensions stay free for how a label is said, whatever the number of labels
        axes = min(labels, max(latent_dim // 2, 2))
        basis = np.linalg.qr(rng.standard_normal((latent_dim, axes)))[0].T
        places = np.eye(axes) if labels == axes else rng.standard_normal((labels, axes))
        places /= np.linalg.norm(places, axis=1, keepdims=True)
        means = np.concatenate([RADIUS * places @ basis, np.zeros((1, latent_dim))])
        self.means = tf.constant(means, tf.float32)  # (labels + 1, latent_dim)
        self.basis = tf.constant(basis, tf.float32)  # (axes, latent_dim), orthonormal

    def mean(self, label_ids: tf.Tensor) -> tf.Tensor:
        """Means of the priors of labels (batch,), (batch, latent_dim)."""
        return tf.gather(self.means, self._rows(label_ids))

    def offset(self, mu: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
        """Posterior means relative to their label's, (batch, latent_dim)."""
        return mu - self.mean(label_ids)

    def off_label(self, offset: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
        """Nats of an offset along the axes that tell labels apart, (batch,).

        0 for clips without a label.
        """
        along = tf.matmul(offset, self.basis, transpose_b=True)
        return tf.where(label_ids < 0, 0.0, 0.5 * tf.reduce_sum(tf.square(along), axis=1))

    def _rows(self, label_ids: tf.Tensor) -> tf.Tensor:
        return tf.where(label_ids < 0, len(self.means) - 1, label_ids)
