"""The distance that models are compared by follows what is heard."""

import numpy as np
import pytest

from sound_vae.quality.likeness import Likeness
from tests.training.tones import TRANSFORM, noisy_tones


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    return noisy_tones(80, seed=0).clips[:].astype(np.float32)


@pytest.fixture(scope="module")
def likeness(real: np.ndarray) -> Likeness:
    return Likeness(real, TRANSFORM)


def test_other_takes_are_nearer_than_blurred_ones(real: np.ndarray, likeness: Likeness) -> None:
    assert likeness.distance(real) == pytest.approx(0, abs=1e-6)
    others = noisy_tones(80, seed=1).clips[:].astype(np.float32)
    blurred = np.mean(
        [np.roll(others, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0
    )
    assert 0 < likeness.distance(others) < 0.5 * likeness.distance(blurred)


def test_one_good_sound_again_and_again_is_far_from_real_ones(
    real: np.ndarray, likeness: Likeness
) -> None:
    others = noisy_tones(80, seed=1).clips[:].astype(np.float32)
    collapsed = np.repeat(others[:1], 80, axis=0)
    assert likeness.distance(collapsed) > 2 * likeness.distance(others)
