import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.autoencoder import Architecture
from sound_vae.model.bands import BANDS
from sound_vae.model.exciter import (
    build_exciter,
    excite,
    most_likely_octaves,
    pitch_distribution,
    pitches_in,
)

OCTAVES = 4
PITCHES = pitches_in(OCTAVES)


@pytest.mark.parametrize("frames", [2, 12, 96, 352])
def test_it_speaks_of_every_frame_within_bounds(frames: int) -> None:
    architecture = Architecture("default", frames, 128, latent_dim=5)
    found = excite(build_exciter(architecture, OCTAVES), 30 * tf.random.normal([3, 5]))
    assert found.octaves.shape == (3, frames)
    assert found.periodicity.shape == (3, frames, BANDS)
    assert found.noise_floor.shape == (3, frames, BANDS)
    assert 0 <= found.octaves.numpy().min() <= found.octaves.numpy().max() <= OCTAVES
    for share in (found.periodicity.numpy(), found.noise_floor.numpy()):
        assert 0 <= share.min() <= share.max() <= 1


def test_the_seed_decides_its_first_weights() -> None:
    architecture = Architecture("default", 16, 128, latent_dim=5)
    one, same, other = (
        build_exciter(architecture, OCTAVES, seed=s).get_weights()[0] for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_a_pitch_comes_back_from_its_distribution() -> None:
    octaves = tf.constant([[0.0, 1.23, 2.5, 3.999, OCTAVES]])
    logits = tf.math.log(pitch_distribution(octaves, PITCHES) + 1e-9)
    np.testing.assert_allclose(most_likely_octaves(logits), octaves, atol=1e-4)


def test_of_two_pitches_the_likelier_one_is_chosen_and_not_their_mean() -> None:
    one, other = pitch_distribution(tf.constant([[[1.0]], [[3.0]]]), PITCHES)
    logits = tf.math.log(0.6 * one + 0.4 * other + 1e-9)
    np.testing.assert_allclose(most_likely_octaves(logits), 1.0, atol=1e-4)
