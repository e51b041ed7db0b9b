"""One value that is loud in all sounds is heard, and what a decoder blurs is not taken for it."""

import numpy as np
import pytest

from sound_vae.model.spectrogram import Transform
from sound_vae.quality.pattern import sticks_out

TRANSFORM = Transform(4000, 16 * 8, 32, 8)


@pytest.fixture(scope="module")
def recorded() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (200, 16, 16)).astype(np.float32)


def test_a_value_that_is_loud_in_all_sounds_is_heard_by_how_much(recorded: np.ndarray) -> None:
    decoded = recorded.copy()
    decoded[:, 7, 5] += 0.1
    assert sticks_out(decoded, recorded, TRANSFORM) == pytest.approx(8.0, abs=0.01)


def test_a_blurred_sound_and_a_louder_one_have_no_pattern(recorded: np.ndarray) -> None:
    blurred = np.broadcast_to(recorded.mean(axis=(1, 2), keepdims=True), recorded.shape)
    for decoded in (recorded + 0.1, blurred):
        assert sticks_out(decoded, recorded, TRANSFORM) < 3
