import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.harmonics import between, pulses, smoothed
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.4)
SHAPE = (1, TRANSFORM.frames, TRANSFORM.bins)


def test_all_harmonics_of_pulses_are_alike_and_a_long_sound_stays_in_tune() -> None:
    transform = Transform.choose(8000, 20)
    waves = pulses(tf.fill([1, transform.frames], 320.0), transform).numpy()[0]
    assert abs(np.mean(waves**2) - 1) < 0.05
    last = waves[-8000:]  # a second, so bins are 1 Hz wide
    spectrum = np.abs(np.fft.rfft(last))
    lines = spectrum[320:4000:320].copy()
    np.testing.assert_allclose(lines, lines.mean(), rtol=0.05)
    spectrum[320:4000:320] = 0
    assert spectrum[1:].max() < 0.05 * lines.mean()


def test_harmonics_that_no_window_resolves_are_one_sine_as_loud_as_the_first() -> None:
    transform = Transform.choose(8000, 4)
    low, higher = (
        np.abs(np.fft.rfft(pulses(tf.fill([1, transform.frames], hertz), transform)[0, :8000]))
        for hertz in (50.0, 100.0)
    )
    assert low.argmax() == 50
    assert low[90:].max() < 0.01 * low.max()
    assert abs(20 * np.log10(higher[100] / low[50]) - 10 * np.log10(2)) < 0.5  # of equal density


def test_smoothing_takes_out_lines_that_are_the_width_apart_and_keeps_soft_parts() -> None:
    power = np.full(SHAPE, 1e-8, np.float32)  # 80 dB below its lines
    power[:, :, : TRANSFORM.bins // 2 : 4] = 1.0
    found = smoothed(tf.constant(power), tf.fill(list(SHAPE[:2]), 4.0)).numpy()[0, 0]
    np.testing.assert_allclose(found[4:60], 0.25, rtol=1e-3)
    np.testing.assert_allclose(found[70:], 1e-8, rtol=1e-3)


@pytest.mark.parametrize("width", [4.0, 7.3, 20.0])
def test_between_harmonics_their_height_does_not_count(width: float) -> None:
    bins = np.arange(TRANSFORM.bins)
    away = np.abs((bins + width / 2) % width - width / 2)  # from the nearest harmonic
    ramp = 0.2 + 0.001 * bins
    values = np.tile(np.where(away < width / 2 - 1.5, 0.9, ramp), (*SHAPE[:2], 1))
    found = between(tf.constant(values, tf.float32), tf.fill(list(SHAPE[:2]), width)).numpy()
    inside = slice(round(width), -round(width))
    np.testing.assert_allclose(found[0, 0, inside], ramp[inside], atol=2e-3)


def test_below_half_of_the_pitch_values_stay_as_they_are() -> None:
    values = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    found = between(tf.constant(values), tf.fill(list(SHAPE[:2]), 40.0)).numpy()
    np.testing.assert_array_equal(found[..., :20], values[..., :20])
    assert np.abs(found[..., 21:60] - values[..., 21:60]).max() > 0.1
