"""Densities over the latent space that lie between neighbours, where the data asks for them.

A label with few clips that differ in one or two respects, as an instrument's notes do in pitch and
loudness, lies on a thin sheet in latent space, and what Gaussians of many clips draw lies off it.
Gaussians that span nothing but the directions between neighbours stay on it: Vincent and Bengio,
"Manifold Parzen windows" (2003). Of a label with many clips, though, they are too near to what was
learnt. So clips that were held back say which of the two a folder needs.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sound_vae.model.density import LabelMixtures, cholesky, covariance, of_each

NEIGHBOURS = 3  # that a component lies between: docs/experiments.md has others
MOST_COMPONENTS = 128  # of a label; they take 640 bytes each with 40 dimensions
FEWEST_HELD_BACK = 20  # clips that tell how far from what was learnt others lie
DRAWS = 500  # that are compared with as many of them
ROWS = 100  # whose distances to all others are in memory together


class Coded(NamedTuple):
    """Posterior means (clips, d), and the index of each clip's label (clips,); none: -1."""

    mu: np.ndarray
    label_ids: np.ndarray


def choose_density(
    learnt: Coded, held_back: Coded, labels: list[str], *, temperature: float, seed: int = 0
) -> LabelMixtures:
    """Fit the density whose samples lie as far from what was learnt as clips held back do.

    What counts is the distance to the nearest clip of the same label, in the median. With too few
    clips that were held back it is some Gaussians a label.
    """
    gaussians = LabelMixtures.fit(*learnt, labels, seed)
    heard = np.isin(held_back.label_ids, learnt.label_ids)
    if labels:
        heard &= held_back.label_ids >= 0
    clips = np.random.default_rng(seed).permutation(np.flatnonzero(heard))[:DRAWS]
    if len(clips) < FEWEST_HELD_BACK:
        return gaussians
    usual = _distance(Coded(held_back.mu[clips], held_back.label_ids[clips]), learnt)

    def off(density: LabelMixtures) -> float:
        drawn = _draw(density, learnt, labels, temperature, seed)
        return abs(np.log(_distance(drawn, learnt) / usual))

    return min(gaussians, between_neighbours(*learnt, labels, seed), key=off)


def between_neighbours(
    mu: np.ndarray, label_ids: np.ndarray, labels: list[str], seed: int = 0
) -> LabelMixtures:
    """Put a Gaussian between each clip and its nearest of the label; they weigh the same.

    A label with fewer clips than that takes spreads in the directions in which others do most.
    """
    mu, rng = mu.astype(np.float64), np.random.default_rng(seed)
    of_labels = of_each(mu, label_ids, labels)
    within = covariance([group - group.mean(axis=0) for group in of_labels])
    chosen = [rng.permutation(len(group))[:MOST_COMPONENTS] for group in of_labels]
    weights = np.zeros((len(of_labels), max(map(len, chosen))))
    means = np.zeros((*weights.shape, mu.shape[1]))
    factors = np.zeros((*means.shape, NEIGHBOURS))
    for i, (group, clips) in enumerate(zip(of_labels, chosen, strict=True)):
        weights[i, : len(clips)] = 1 / len(clips)
        if len(group) < NEIGHBOURS:
            means[i, : len(clips)], factors[i, : len(clips)] = group[clips], _widest(within)
            continue
        nearest = _squares(group[clips], group).argsort(axis=1, kind="stable")[:, :NEIGHBOURS]
        near = group[nearest]  # (clips, NEIGHBOURS, d)
        means[i, : len(clips)] = near.mean(axis=1)
        away = near - near.mean(axis=1, keepdims=True)
        factors[i, : len(clips)] = away.swapaxes(1, 2) / (NEIGHBOURS - 1) ** 0.5
    return LabelMixtures(weights, means, factors, cholesky(within))


def _draw(
    density: LabelMixtures, learnt: Coded, labels: list[str], temperature: float, seed: int
) -> Coded:
    """As many of a label as were learnt from."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(learnt.label_ids[learnt.label_ids >= 0] if labels else learnt.label_ids, DRAWS)
    z = tf.function(density.sample)(
        tf.constant(np.maximum(ids, 0), tf.int32),
        tf.range(DRAWS, dtype=tf.int64),
        tf.fill([DRAWS], float(temperature)),
    )
    return Coded(z.numpy(), ids)


def _distance(of: Coded, to: Coded) -> float:
    """Median distance to the nearest clip of the same label, above 0."""
    found = [
        _squares(rows, to.mu[to.label_ids == i]).min(axis=1)
        for i in np.unique(of.label_ids)
        for rows in _rows(of.mu[of.label_ids == i])
    ]
    return float(np.sqrt(np.median(np.concatenate(found)))) + 1e-9


def _rows(points: np.ndarray) -> list[np.ndarray]:
    return np.array_split(points, -(-len(points) // ROWS))


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances of points (n, d) to others (m, d): (n, m)."""
    found = np.square(points).sum(axis=1)[:, None] + np.square(others).sum(axis=1)
    return np.asarray(np.maximum(found - 2 * points @ others.T, 0))


def _widest(spread: np.ndarray) -> np.ndarray:
    """Give the directions of largest variance, as long as its deviation, (d, NEIGHBOURS)."""
    variances, directions = np.linalg.eigh(spread)
    found = np.zeros((len(spread), NEIGHBOURS))
    kept = min(NEIGHBOURS, len(spread))
    found[:, :kept] = (directions * np.sqrt(np.maximum(variances, 0)))[:, -kept:]
    return found
