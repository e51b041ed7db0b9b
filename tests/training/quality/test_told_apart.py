"""The network that is asked can hear a blur, and does not make up a difference."""

import numpy as np

from sound_vae.quality.told_apart import told_apart
from tests.training.tones import TRANSFORM, noisy_tones


def test_blurred_sounds_are_told_from_real_ones_and_real_ones_are_not() -> None:
    sounds = noisy_tones(240, seed=0).clips[:].astype(np.float32)
    real, others = sounds[:120], sounds[120:]
    blurred = np.mean([np.roll(others, shift, axis=2) for shift in range(-2, 3)], axis=0)
    assert told_apart(real, blurred, TRANSFORM) > 0.95
    assert 0.3 < told_apart(real, others, TRANSFORM) < 0.7
