"""Where to sample the latent space: one Gaussian per label, fitted after training.

The prior N(0, I) is a poor place to sample, for the posteriors of real sounds fill only part of
it. A density fitted to the posterior means afterwards is a better one: Ghosh et al., "From
variational to deterministic autoencoders" (2020), ex-post density estimation.
"""

import numpy as np
import tensorflow as tf


def fit_gaussian(mu: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and lower Cholesky factor (d, d) of (n, d) posterior means.

    With few clips the covariance is drawn to `towards` (d, d): the fewer, the more.
    """
    n, d = mu.shape
    mean = mu.mean(axis=0)
    centred = mu - mean
    trust = n / (n + d / 2)
    covariance = trust * (centred.T @ centred) / max(n - 1, 1) + (1 - trust) * towards
    return mean, _cholesky(covariance)


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    jitter = 1e-6 * max(float(np.trace(covariance)) / len(covariance), 1e-6)
    return np.linalg.cholesky(covariance + jitter * np.eye(len(covariance)))


class LabelGaussians(tf.Module):
    """Draws z for label indices; with no labels there is one Gaussian, index 0."""

    def __init__(self, means: np.ndarray, factors: np.ndarray, spread: np.ndarray) -> None:
        super().__init__()
        self.means = tf.Variable(means, False, dtype=tf.float32)  # (labels, d)
        self.factors = tf.Variable(factors, False, dtype=tf.float32)  # (labels, d, d)
        self.spread = tf.Variable(
            spread, False, dtype=tf.float32
        )  # (d, d), of the sounds within a label

    @classmethod
    def fit(cls, mu: np.ndarray, label_ids: np.ndarray, labels: list[str]) -> "LabelGaussians":
        """From posterior means (clips, d) and their label indices (clips,)."""
        mu = mu.astype(np.float64)
        groups = [mu[label_ids == i] for i in range(len(labels))] or [mu]
        groups = [group if len(group) else mu for group in groups]
        residuals = np.concatenate([group - group.mean(axis=0) for group in groups])
        pooled = residuals.T @ residuals / len(residuals)
        fitted = [fit_gaussian(group, pooled) for group in groups]
        means, factors = (np.stack(part) for part in zip(*fitted, strict=True))
        return cls(means, factors, _cholesky(pooled))

    def choose(self, seed: tf.Tensor) -> tf.Tensor:
        """Draw a label index for each seed, (batch,) int64 to (batch,) int32."""
        labels = self.means.shape[0]

        def one(s: tf.Tensor) -> tf.Tensor:
            return tf.random.stateless_uniform(
                [], seed=tf.stack([s, 1]), maxval=labels, dtype=tf.int32, alg="philox"
            )

        return tf.map_fn(one, seed, fn_output_signature=tf.TensorSpec([], tf.int32))

    def noise(self, seed: tf.Tensor) -> tf.Tensor:
        """Draw standard normal (batch, d); each row depends on its own seed alone."""
        d = self.means.shape[1]

        def one(s: tf.Tensor) -> tf.Tensor:
            return tf.random.stateless_normal([d], seed=tf.stack([s, 0]), alg="philox")

        return tf.map_fn(one, seed, fn_output_signature=tf.TensorSpec([d], tf.float32))

    def sample(self, label_id: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        """Draw z (batch, d) around the labels' means, spread by temperature (batch,)."""
        offset = tf.linalg.matvec(tf.gather(self.factors, label_id), self.noise(seed))
        return tf.gather(self.means, label_id) + temperature[:, None] * offset

    def around(self, mu: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        """Draw z (batch, d) around given sounds, as far as sounds of one label lie apart."""
        offset = tf.linalg.matvec(self.spread, self.noise(seed))
        return mu + temperature[:, None] * offset
