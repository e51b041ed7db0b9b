"""Fine structure has a known place where the sound is known, and blur takes it away."""

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.spectrogram import Transform
from sound_vae.quality.modulation import (
    SPECTRAL_EDGES,
    modulation_distance,
    modulation_spectrum,
    ripples,
)

RATE = 8000
TRANSFORM = Transform(RATE, 96 * 64, 256, 64)


def harmonics(hertz: float, sounds: int = 6) -> np.ndarray:
    """Spectrograms of sounds with all harmonics of about this pitch, in a little noise."""
    rng = np.random.default_rng(0)
    seconds = np.arange(TRANSFORM.clip_samples) / RATE
    waves = []
    for _ in range(sounds):
        pitch = hertz * rng.uniform(0.98, 1.02)
        numbers = np.arange(1, int(3800 / pitch))[:, None]
        waves.append(np.cos(2 * np.pi * pitch * numbers * seconds).mean(axis=0))
    noisy = np.array(waves) + rng.normal(0, 1e-3, (sounds, len(seconds)))
    return TRANSFORM.spectrogram(tf.constant(noisy, tf.float32)).numpy()


def blurred(values: np.ndarray) -> np.ndarray:
    """The mean over neighbouring bins: what a decoder that is unsure of the pitch gives."""
    return np.mean([np.roll(values, shift, axis=2) for shift in range(-3, 4)], axis=0)


@pytest.mark.parametrize("hertz", [180.0, 360.0])
def test_harmonics_ripple_once_for_each_multiple_of_their_pitch(hertz: float) -> None:
    steady = modulation_spectrum(harmonics(hertz), TRANSFORM)[:, 0]
    expected = np.searchsorted(SPECTRAL_EDGES, 1000 / hertz) - 1
    assert steady.argmax() == expected


def test_blur_costs_many_decibels_and_other_takes_of_a_sound_few() -> None:
    real = modulation_spectrum(harmonics(200), TRANSFORM)
    assert modulation_distance(real, real) == 0
    assert modulation_distance(real, modulation_spectrum(harmonics(202), TRANSFORM)) < 1
    assert modulation_distance(real, modulation_spectrum(blurred(harmonics(200)), TRANSFORM)) > 5


def test_silence_ripples_nowhere_and_counts_for_nothing() -> None:
    values = np.concatenate([harmonics(200), np.zeros((2, TRANSFORM.frames, TRANSFORM.bins))])
    assert not np.isnan(ripples(values[:6], TRANSFORM)).any()
    np.testing.assert_allclose(
        modulation_spectrum(values, TRANSFORM), modulation_spectrum(values[:6], TRANSFORM)
    )


def test_bands_that_a_transform_cannot_resolve_are_left_out() -> None:
    coarse = Transform(RATE, 64 * 64, 64, 32)  # bins of 125 Hz: 4 cycles per kHz at most
    values = np.random.default_rng(0).random((3, coarse.frames, coarse.bins))
    spectrum = modulation_spectrum(values, coarse)
    assert np.isnan(spectrum[4:]).all()
    assert modulation_distance(spectrum, spectrum) == 0


def test_sounds_of_which_none_is_audible_have_no_spectrum() -> None:
    short = Transform(RATE, 2 * 64, 256, 64)
    assert modulation_spectrum(np.random.rand(3, 2, 128), short).shape == (5, 5)
    with pytest.raises(ValueError, match="no sound"):
        modulation_spectrum(np.zeros((0, 96, 128)), TRANSFORM)
