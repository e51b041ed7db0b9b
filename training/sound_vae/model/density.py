"""Where to sample the latent space: a mixture of Gaussians per label, fitted after training.

The prior N(0, I) is a poor place to sample, for the posteriors of real sounds fill only part of
it. A density fitted to the posterior means afterwards is a better one: Ghosh et al., "From
variational to deterministic autoencoders" (2020), ex-post density estimation. One Gaussian per
label would blend, say, all speakers of a word into one; a few components keep them apart.
"""

import numpy as np
import tensorflow as tf

CLIPS_PER_COMPONENT = 15  # enough that a component's centre is no single clip
MAX_COMPONENTS = 12
KMEANS_ROUNDS, KMEANS_STARTS = 30, 5


class LabelMixtures(tf.Module):
    """Draws z for label indices; with no labels there is one mixture, index 0.

    A component is the image of a standard normal of `rank` dimensions, all of them or fewer.
    """

    def __init__(
        self, weights: np.ndarray, means: np.ndarray, factors: np.ndarray, spread: np.ndarray
    ) -> None:
        super().__init__()
        self.edges = tf.Variable(np.cumsum(weights, axis=1), False, dtype=tf.float32)
        self.means = tf.Variable(means, False, dtype=tf.float32)  # (labels, components, d)
        # (labels, components, d, rank)
        self.factors = tf.Variable(factors, False, dtype=tf.float32)
        self.spread = tf.Variable(spread, False, dtype=tf.float32)  # (d, d), within any label

    @classmethod
    def fit(
        cls, mu: np.ndarray, label_ids: np.ndarray, labels: list[str], seed: int = 0
    ) -> "LabelMixtures":
        """Fit some Gaussians a label to posterior means (clips, d) of label indices (clips,).

        Each has a full covariance, shrunk towards that of all: the fewer clips, the more.
        """
        mu = mu.astype(np.float64)
        groups = of_each(mu, label_ids, labels)
        within = covariance([group - group.mean(axis=0) for group in groups])
        clusters = [_cluster(group, seed) for group in groups]
        components = max(len(centres) for centres, _ in clusters)
        weights = np.zeros((len(groups), components))
        means = np.zeros((len(groups), components, mu.shape[1]))
        factors = np.zeros((*means.shape, mu.shape[1]))
        shared = covariance(
            [
                group - centres[nearest]
                for group, (centres, nearest) in zip(groups, clusters, strict=True)
            ],
            lost=sum(len(centres) for centres, _ in clusters),
        )
        for i, (group, (centres, nearest)) in enumerate(zip(groups, clusters, strict=True)):
            weights[i, : len(centres)] = np.bincount(nearest) / len(group)
            means[i, : len(centres)] = centres
            # a label with one component spreads as labels do, others as their components do
            typical = within if len(centres) == 1 else shared
            for j, centre in enumerate(centres):
                factors[i, j] = cholesky(_shrunk(group[nearest == j] - centre, typical))
        return cls(weights, means, factors, cholesky(within))

    def choose(self, seed: tf.Tensor) -> tf.Tensor:
        """Draw a label index for each seed, (batch,) int64 to (batch,) int32."""
        share = self._uniform(seed, 1) * float(self.means.shape[0])
        return tf.minimum(tf.cast(share, tf.int32), self.means.shape[0] - 1)

    def sample(self, label_id: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        """Draw z (batch, d) of labels (batch,), spread around its component by temperature."""
        edges = tf.gather(self.edges, label_id)
        drawn = self._uniform(seed, 2)[:, None] * edges[:, -1:]
        component = tf.reduce_sum(tf.cast(drawn >= edges, tf.int32), axis=1)
        component = tf.minimum(component, self.means.shape[1] - 1)
        mean = tf.gather(tf.gather(self.means, label_id), component, batch_dims=1)
        factor = tf.gather_nd(self.factors, tf.stack([label_id, component], axis=1))
        offset = tf.linalg.matvec(factor, self._noise(seed, self.factors.shape[-1]))
        return mean + temperature[:, None] * offset

    def around(self, mu: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
        """Draw z (batch, d) around given sounds, as far as sounds of one label lie apart."""
        noise = self._noise(seed, self.spread.shape[0])
        return mu + temperature[:, None] * tf.linalg.matvec(self.spread, noise)

    def _noise(self, seed: tf.Tensor, count: int) -> tf.Tensor:
        """Draw standard normal (batch, count); each row depends on its own seed alone."""
        return tf.map_fn(
            lambda s: tf.random.stateless_normal([count], seed=tf.stack([s, 0]), alg="philox"),
            seed,
            fn_output_signature=tf.TensorSpec([count], tf.float32),
        )

    def _uniform(self, seed: tf.Tensor, purpose: int) -> tf.Tensor:
        """Draw from 0..1 (batch,); each value depends on its own seed alone."""
        return tf.map_fn(
            lambda s: tf.random.stateless_uniform([], seed=tf.stack([s, purpose]), alg="philox"),
            seed,
            fn_output_signature=tf.TensorSpec([], tf.float32),
        )


def of_each(mu: np.ndarray, label_ids: np.ndarray, labels: list[str]) -> list[np.ndarray]:
    """Take the clips of each label, or all for one that has none, or without labels."""
    groups = [mu[label_ids == i] for i in range(len(labels))] or [mu]
    return [group if len(group) else mu for group in groups]


def _components(clips: int) -> int:
    return min(max(clips // CLIPS_PER_COMPONENT, 1), MAX_COMPONENTS)


# Not scikit-learn's k-means: that finds tighter clusters, and sooner, but within the memory that
# tests/training/data/test_memory.py allows it ends the process with SIGSEGV.
def _cluster(points: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Best k-means of some starts: centres (k, d), and the index of each point's centre (n,)."""
    rng = np.random.default_rng(seed)
    starts = KMEANS_STARTS if _components(len(points)) > 1 else 1
    outcomes = [_cluster_once(points, rng) for _ in range(starts)]
    return min(outcomes, key=lambda o: float(np.square(points - o[0][o[1]]).sum()))


def _cluster_once(points: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    centres = points[rng.choice(len(points), _components(len(points)), replace=False)]
    for _ in range(KMEANS_ROUNDS):
        distance = np.square(centres).sum(axis=1) - 2 * points @ centres.T  # + |point|^2
        nearest = distance.argmin(axis=1)
        used, nearest = np.unique(nearest, return_inverse=True)
        centres = np.stack([points[nearest == i].mean(axis=0) for i in range(len(used))])
    return centres, nearest


def covariance(residuals: list[np.ndarray], lost: int = 0) -> np.ndarray:
    """Of residuals (n, d) around means, `lost` of which were estimated from them."""
    stacked = np.concatenate(residuals)
    return stacked.T @ stacked / max(len(stacked) - lost, 1)


def _shrunk(residual: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Covariance drawn to a typical one: the fewer clips, the more."""
    n, d = residual.shape
    trust = n / (n + d / 2)
    return trust * covariance([residual], lost=1) + (1 - trust) * shared


def cholesky(spread: np.ndarray) -> np.ndarray:
    """Factor a covariance (d, d), which may have no extent in some directions."""
    jitter = 1e-6 * max(float(np.trace(spread)) / len(spread), 1e-6)
    return np.linalg.cholesky(spread + jitter * np.eye(len(spread)))
