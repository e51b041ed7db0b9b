import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.label_prior import RADIUS, LabelPrior


@pytest.mark.parametrize(("labels", "latent_dim"), [(1, 2), (2, 2), (10, 40), (35, 40), (100, 8)])
def test_labels_have_places_of_their_own_and_half_of_z_stays_free(
    labels: int, latent_dim: int
) -> None:
    prior = LabelPrior(labels, latent_dim)
    means = prior.means.numpy()[:labels]
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), RADIUS, rtol=1e-4)
    assert len(np.unique(means.round(4), axis=0)) == labels
    assert len(prior.basis) <= max(latent_dim // 2, 2)


def test_ten_labels_are_equally_far_apart() -> None:
    means = LabelPrior(10, 40).means.numpy()[:10]
    np.testing.assert_allclose(means @ means.T, RADIUS**2 * np.eye(10), atol=1e-3)


def test_a_sound_of_its_label_does_not_stray_and_one_of_another_does() -> None:
    prior = LabelPrior(3, 12)
    label_ids = tf.constant([0, 0, -1])
    mu = tf.stack([prior.means[0], prior.means[1], prior.means[2]])
    offset = prior.offset(mu, label_ids)
    np.testing.assert_allclose(offset[0], 0, atol=1e-5)
    # both means are RADIUS along axes of their own: 0.5 * (5^2 + 5^2); without a label all is fine
    np.testing.assert_allclose(prior.off_label(offset, label_ids), [0, RADIUS**2, 0], atol=1e-3)


def test_without_labels_the_prior_is_around_nought() -> None:
    prior = LabelPrior(0, 5)
    mu = tf.ones([2, 5])
    nowhere = tf.constant([-1, -1])
    np.testing.assert_array_equal(prior.offset(mu, nowhere), mu)
    np.testing.assert_array_equal(prior.off_label(mu, nowhere), [0, 0])
