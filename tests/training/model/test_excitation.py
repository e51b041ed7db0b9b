from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model import excitation
from sound_vae.model.excitation import BANDS, JUMP, analyse, bands, lowest_pitch
from sound_vae.model.harmonics import pulses
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.4)
INSIDE = slice(4, -4)  # frames whose windows lie within the clip


def gliding(start: float, end: float) -> np.ndarray:
    """Pulses whose pitch moves from one frequency in Hz to another."""
    pitch = np.geomspace(start, end, TRANSFORM.frames)[None].astype(np.float32)
    return pulses(tf.constant(pitch), TRANSFORM).numpy() / 20


def noise() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(1, TRANSFORM.clip_samples)).astype(np.float32) / 20


def spectrogram(waves: np.ndarray) -> np.ndarray:
    return TRANSFORM.spectrogram(tf.constant(waves)).numpy()


@pytest.mark.parametrize(("start", "end"), [(90, 130), (220, 180), (400, 420), (700, 600)])
def test_a_gliding_pitch_is_followed(start: float, end: float) -> None:
    found = analyse(spectrogram(gliding(start, end)), TRANSFORM)
    hertz = lowest_pitch(TRANSFORM) * 2 ** found.octaves[0]
    wanted = np.geomspace(start, end, TRANSFORM.frames)
    np.testing.assert_allclose(hertz[INSIDE], wanted[INSIDE], rtol=0.05)


def test_pulses_are_periodic_in_all_bands_and_noise_is_in_none() -> None:
    of_pulses, of_noise = (
        analyse(spectrogram(waves), TRANSFORM) for waves in (gliding(120, 130), noise())
    )
    assert of_pulses.periodicity[0, INSIDE].min() > 0.75
    assert of_noise.periodicity[0, INSIDE].mean() < 0.55
    assert of_pulses.noise_floor[0, INSIDE].mean() < of_noise.noise_floor[0, INSIDE].mean() - 0.1
    assert of_pulses.pitch_weight[0, INSIDE].mean() > 3 * of_noise.pitch_weight[0, INSIDE].mean()


def test_breath_over_a_voice_is_found_in_its_own_bands() -> None:
    mixed, rough = spectrogram(gliding(120, 130)), spectrogram(noise())
    mixed[:, :, TRANSFORM.bins // 2 :] = rough[:, :, TRANSFORM.bins // 2 :]
    found = analyse(mixed, TRANSFORM).periodicity[0, INSIDE].mean(axis=0)
    assert found[: BANDS // 2 - 1].min() > 0.85
    assert found[BANDS // 2 + 1 :].max() < 0.65


def test_silence_weighs_nothing() -> None:
    values = spectrogram(gliding(120, 130))
    values[:, TRANSFORM.frames // 2 :] = 0
    values[:, :, : TRANSFORM.bins // 2] = 0
    found = analyse(values, TRANSFORM)
    assert not found.pitch_weight[0, TRANSFORM.frames // 2 :].any()
    assert not found.band_weight[0, TRANSFORM.frames // 2 :].any()
    assert not found.band_weight[0, :, : BANDS // 2].any()
    assert found.band_weight[0, INSIDE, BANDS // 2 :][: TRANSFORM.frames // 4].all()
    silent = analyse(np.zeros_like(values), TRANSFORM)
    assert np.isfinite(silent.periodicity).all()
    assert not silent.noise_floor.any()


@pytest.mark.parametrize("bins", [64, 100, 512])
def test_bands_share_every_bin_and_follow_each_other(bins: int) -> None:
    found = bands(bins)
    assert found.shape == (BANDS, bins)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    assert all(a < b for a, b in pairwise(found.argmax(axis=1)))


def test_parts_of_a_jump_come_to_the_best_of_all_jumps() -> None:
    best, cost = np.random.default_rng(0).normal(size=(20, 50)).astype(np.float32), 0.1
    steps = np.arange(50)
    distance = np.abs(steps[:, None] - steps)
    every = np.where(distance <= JUMP, best[:, None] - cost * distance, -np.inf).max(axis=2)
    np.testing.assert_allclose(excitation._reached(best, np.float32(cost)), every, atol=1e-5)
