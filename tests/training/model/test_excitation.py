import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model import excitation
from sound_vae.model.bands import bands
from sound_vae.model.excitation import JUMP, analyse, lowest_note, lowest_pitch
from sound_vae.model.harmonics import pulses
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.4)
INSIDE = slice(4, -4)  # frames whose windows lie within the clip
HALF = TRANSFORM.bins // 2  # 2 kHz
LOWER, UPPER = (~bands(TRANSFORM)[:, part].any(axis=1) for part in (slice(HALF, None), slice(HALF)))


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
    assert of_noise.periodicity[0, INSIDE].mean() < 0.2
    assert of_pulses.noise_floor[0, INSIDE].mean() < of_noise.noise_floor[0, INSIDE].mean() - 0.1
    assert of_pulses.pitch_weight[0, INSIDE].mean() > 3 * of_noise.pitch_weight[0, INSIDE].mean()


def test_a_low_sine_is_followed_below_what_its_window_holds_twice() -> None:
    """A bass drum's, which falls."""
    hertz = np.geomspace(60, 40, TRANSFORM.clip_samples)
    wave = np.sin(2 * np.pi * np.cumsum(hertz) / TRANSFORM.sample_rate)[None] / 2
    found = analyse(spectrogram(wave.astype(np.float32)), TRANSFORM)
    heard = lowest_pitch(TRANSFORM) * 2 ** found.octaves[0, INSIDE]
    assert hertz.max() < lowest_note(TRANSFORM)
    np.testing.assert_allclose(heard, hertz[:: TRANSFORM.hop_length][INSIDE], rtol=0.12)
    assert found.periodicity[0, INSIDE, 0].mean() > 0.9


def test_what_is_slow_has_no_short_period() -> None:
    spectrum = np.fft.rfft(noise()) / (1 + np.arange(TRANSFORM.clip_samples // 2 + 1) / 100) ** 2
    slow = np.fft.irfft(spectrum).astype(np.float32)  # 12 dB an octave softer above 250 Hz
    found = analyse(spectrogram(slow), TRANSFORM)
    assert found.pitch_weight[0, INSIDE].mean() < 0.4
    assert np.median(lowest_pitch(TRANSFORM) * 2 ** found.octaves[0, INSIDE]) < 700


def test_breath_over_a_voice_is_found_in_its_own_bands() -> None:
    mixed, rough = spectrogram(gliding(120, 130)), spectrogram(noise())
    mixed[:, :, HALF:] = rough[:, :, HALF:]
    found = analyse(mixed, TRANSFORM).periodicity[0, INSIDE].mean(axis=0)
    assert found[LOWER].min() > 0.85
    assert found[UPPER].max() < 0.65


def test_silence_weighs_nothing() -> None:
    values = spectrogram(gliding(120, 130))
    values[:, TRANSFORM.frames // 2 :] = 0
    values[:, :, :HALF] = 0
    found = analyse(values, TRANSFORM)
    assert not found.pitch_weight[0, TRANSFORM.frames // 2 :].any()
    assert not found.band_weight[0, TRANSFORM.frames // 2 :].any()
    assert not found.band_weight[0, :, LOWER].any()
    assert found.band_weight[0, INSIDE][: TRANSFORM.frames // 4, UPPER].all()
    silent = analyse(np.zeros_like(values), TRANSFORM)
    assert np.isfinite(silent.periodicity).all()
    assert not silent.noise_floor.any()


def test_parts_of_a_jump_come_to_the_best_of_all_jumps() -> None:
    best, cost = np.random.default_rng(0).normal(size=(20, 50)).astype(np.float32), 0.1
    steps = np.arange(50)
    distance = np.abs(steps[:, None] - steps)
    every = np.where(distance <= JUMP, best[:, None] - cost * distance, -np.inf).max(axis=2)
    np.testing.assert_allclose(excitation._reached(best, np.float32(cost)), every, atol=1e-5)
