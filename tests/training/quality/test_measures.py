"""The measures have known values where the truth is known."""

import math

import numpy as np
import pytest

from sound_vae.quality.measures import (
    balanced,
    cepstral_statistics,
    clip_patches,
    copying,
    diversity,
    frechet_distance,
    reconstruction_error,
)
from tests.training.tones import TRANSFORM, noisy_tones


def test_frechet_distance_of_two_known_gaussians() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((200_000, 2)) * [1.0, 2.0]
    b = rng.standard_normal((200_000, 2)) * [3.0, 2.0] + [1.0, -2.0]
    # 1 + 4 between the means, (1 - 3)^2 between the deviations
    assert frechet_distance(a, b) == pytest.approx(9.0, rel=0.02)


def test_frechet_distance_sees_correlation_and_not_only_variance() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((100_000, 2))
    shared = rng.standard_normal((100_000, 1))
    # identity against [[1, 1], [1, 1]]: 2 + 2 - 2 * sqrt(2)
    assert frechet_distance(a, np.hstack([shared, shared])) == pytest.approx(
        4 - 2 * math.sqrt(2), rel=0.02
    )


def test_frechet_distance_to_itself_is_zero_even_with_fewer_clips_than_features() -> None:
    few = np.random.default_rng(0).standard_normal((5, 20))
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)


def test_diversity_is_one_for_the_real_sounds_and_nought_for_copies_of_one() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((60, 8)) + 5
    label_ids = np.repeat([0, 1, 2], 20)
    assert diversity(real, real, label_ids) == pytest.approx(1)
    assert diversity(real[label_ids * 20], real, label_ids) == 0
    assert diversity(2 * real, real, label_ids) == pytest.approx(2)


def test_diversity_does_not_count_the_distance_between_labels() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((40, 4))
    label_ids = np.repeat([0, 1], 20)
    apart = real + 100 * label_ids[:, None]
    assert diversity(apart, real, label_ids) == pytest.approx(1)


def test_copies_of_training_clips_are_detected() -> None:
    rng = np.random.default_rng(0)
    training, validation, fresh = (rng.standard_normal((n, 10)) for n in (300, 200, 200))
    honest = copying(fresh, validation, training)
    assert honest["nearest"] == pytest.approx(1, abs=0.15)
    assert honest["copies"] < 0.05
    assert copying(training[:100], validation, training) == {"nearest": 0, "copies": 1}


def test_real_clips_are_chosen_evenly_across_labels() -> None:
    label_ids = np.repeat([0, 1, 2], [50, 50, 4])
    chosen = balanced(label_ids, 24, seed=1)
    assert len(set(chosen)) == 24
    assert np.bincount(label_ids[chosen]).tolist() == [10, 10, 4]
    assert len(balanced(label_ids, 1000, seed=1)) == len(label_ids)


def test_reconstruction_error_is_in_decibels_and_ignores_overall_gain() -> None:
    values = noisy_tones(4, seed=0).clips[:]
    assert reconstruction_error(values, values, TRANSFORM) == 0
    louder = np.where(values > 0, values + 6 / 80, 0)  # 6 dB of an 80 dB range
    assert reconstruction_error(values, louder, TRANSFORM) == pytest.approx(0, abs=0.5)
    rough = values + np.random.default_rng(0).normal(0, 10 / 80, values.shape)
    assert reconstruction_error(values, rough, TRANSFORM) > 3


def test_features_of_unlabelled_sounds_tell_different_sounds_apart() -> None:
    a = noisy_tones(40, seed=0).clips[:]
    b = noisy_tones(40, seed=1).clips[:]
    dull = cepstral_statistics(a[::2], TRANSFORM)
    assert frechet_distance(dull, cepstral_statistics(b[::2], TRANSFORM)) < 0.2 * frechet_distance(
        dull, cepstral_statistics(b[1::2], TRANSFORM)
    )
    assert clip_patches(a, TRANSFORM).shape == (40, 16 * 20)
