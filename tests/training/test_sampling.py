import numpy as np
import pytest
import tensorflow as tf

from sampling import LabelGaussians


def test_samples_have_the_mean_and_covariance_of_their_label() -> None:
    random = np.random.default_rng(0)
    shape = np.array([[1.0, 0.8], [0.0, 0.6]])
    clouds = [random.normal(size=(4000, 2)) @ shape + offset for offset in (-5, 5)]
    density = LabelGaussians.fit(np.concatenate(clouds), np.repeat([0, 1], 4000), ["a", "b"])
    z = density.sample(tf.ones([4000], tf.int32), tf.range(4000, dtype=tf.int64), tf.ones([4000]))
    np.testing.assert_allclose(z.numpy().mean(axis=0), [5, 5], atol=0.1)
    np.testing.assert_allclose(np.cov(z.numpy().T), shape.T @ shape, atol=0.1)


def test_a_label_with_one_clip_borrows_the_spread_of_the_others() -> None:
    random = np.random.default_rng(0)
    mu = np.concatenate([random.normal(size=(200, 3)), [[9.0, 9.0, 9.0]]])
    density = LabelGaussians.fit(mu, np.array([0] * 200 + [1]), ["many", "one"])
    z = density.sample(tf.ones([500], tf.int32), tf.range(500, dtype=tf.int64), tf.ones([500]))
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z.numpy().mean(axis=0), [9, 9, 9], atol=0.2)
    assert 0.5 < z.numpy().std() < 1.5


def test_clips_without_a_label_take_no_part_in_the_labels_densities() -> None:
    mu = np.array([[0.0], [0.1], [100.0]])
    density = LabelGaussians.fit(mu, np.array([0, 0, -1]), ["a"])
    assert density.means.numpy() == pytest.approx(0.05)


def test_without_labels_one_density_holds_everything() -> None:
    mu = np.random.default_rng(0).normal(3, 1, (500, 2))
    density = LabelGaussians.fit(mu, np.full(500, -1), [])
    assert density.means.shape == (1, 2)
    np.testing.assert_allclose(density.means.numpy()[0], [3, 3], atol=0.2)
