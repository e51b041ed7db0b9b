import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.density import LabelMixtures


def draw(density: LabelMixtures, label_id: int, count: int) -> np.ndarray:
    """Draw with the seeds 0, 1, … at temperature 1."""
    seeds = tf.range(count, dtype=tf.int64)
    return tf.function(density.sample)(tf.fill([count], label_id), seeds, tf.ones([count])).numpy()


def test_samples_have_the_mean_and_covariance_of_their_label() -> None:
    random = np.random.default_rng(0)
    shape = np.array([[1.0, 0.8], [0.0, 0.6]])
    clouds = [random.normal(size=(4000, 2)) @ shape + offset for offset in (-5, 5)]
    density = LabelMixtures.fit(np.concatenate(clouds), np.repeat([0, 1], 4000), ["a", "b"])
    z = draw(density, 1, 4000)
    np.testing.assert_allclose(z.mean(axis=0), [5, 5], atol=0.1)
    np.testing.assert_allclose(np.cov(z.T), shape.T @ shape, atol=0.1)


def test_a_label_with_one_clip_borrows_the_spread_of_the_others() -> None:
    random = np.random.default_rng(0)
    mu = np.concatenate([random.normal(size=(200, 3)), [[9.0, 9.0, 9.0]]])
    density = LabelMixtures.fit(mu, np.array([0] * 200 + [1]), ["many", "one"])
    z = draw(density, 1, 500)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z.mean(axis=0), [9, 9, 9], atol=0.2)
    assert 0.5 < z.std() < 1.5


def test_clips_without_a_label_take_no_part_in_the_labels_densities() -> None:
    mu = np.array([[0.0], [0.1], [100.0]])
    density = LabelMixtures.fit(mu, np.array([0, 0, -1]), ["a"])
    assert density.means.numpy().ravel() == pytest.approx(0.05)


def test_without_labels_one_density_holds_everything() -> None:
    mu = np.random.default_rng(0).normal(3, 1, (500, 2))
    density = LabelMixtures.fit(mu, np.full(500, -1), [])
    assert density.means.shape[0] == 1
    z = draw(density, 0, 500)
    np.testing.assert_allclose(z.mean(axis=0), [3, 3], atol=0.2)


def test_groups_within_a_label_are_kept_apart() -> None:
    random = np.random.default_rng(0)
    mu = random.normal(size=(200, 2)) * 0.1 + np.repeat([[-5, 0], [5, 0]], 100, axis=0)
    density = LabelMixtures.fit(mu, np.zeros(200, int), ["voices"])
    z = draw(density, 0, 200)
    assert (np.abs(np.abs(z[:, 0]) - 5) < 1).all()
    assert 0.3 < (z[:, 0] > 0).mean() < 0.7


def test_each_group_of_a_label_has_its_own_shape() -> None:
    random = np.random.default_rng(0)
    wide, tall = random.normal(size=(2, 300, 2)) * [[[1.0, 0.05]], [[0.05, 1.0]]]
    wide[:, 0] -= 20
    tall[:, 0] += 20
    mu = np.concatenate([wide, tall])
    z = draw(LabelMixtures.fit(mu, np.zeros(600, int), ["voices"]), 0, 600)
    left, right = z[z[:, 0] < 0], z[z[:, 0] > 0]
    assert left[:, 0].std() > 3 * left[:, 1].std()
    assert right[:, 1].std() > 3 * right[:, 0].std()
