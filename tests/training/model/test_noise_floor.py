import numpy as np
import tensorflow as tf

from sound_vae.model.bands import BANDS, level_in_bands
from sound_vae.model.framing import Framing
from sound_vae.model.harmonics import pulses, width_of
from sound_vae.model.noise_floor import noise_between, noise_floor
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.6)
INSIDE = slice(4, -4)  # frames whose windows lie within the clip
PITCH = tf.fill([1, TRANSFORM.frames], 400.0)


def floor_of(breath: float) -> np.ndarray:
    """Noise floor in decibels of pulses of 400 Hz with so much noise beside them, by band."""
    rng = np.random.default_rng(0)
    waves = pulses(PITCH, TRANSFORM).numpy() / 2
    waves += breath / 2 * rng.normal(size=waves.shape)
    values = TRANSFORM.spectrogram(tf.constant(waves, tf.float32))
    found = noise_floor(values, PITCH, tf.ones_like(values), TRANSFORM).numpy()
    return (found[0, INSIDE].mean(axis=0) - 1) * -TRANSFORM.floor_db


def test_breath_that_is_softer_than_the_lines_is_found_as_loud_as_it_is() -> None:
    loud, soft, softer = (floor_of(breath)[4:] for breath in (0.3, 0.1, 0.03))
    np.testing.assert_allclose(loud - soft, 20 * np.log10(3), atol=1.5)
    np.testing.assert_allclose(soft - softer, 20 * np.log10(0.1 / 0.03), atol=1.5)


def test_lines_alone_have_none() -> None:
    assert (floor_of(0.0)[4:] < floor_of(0.03)[4:] - 8).all()


def test_what_a_decoder_blurs_is_brought_to_the_level_and_keeps_its_shape() -> None:
    rng = np.random.default_rng(0)
    values = np.full((1, TRANSFORM.frames, TRANSFORM.bins), 0.5, np.float32)
    values += 0.2 * (np.arange(TRANSFORM.frames) % 2)[None, :, None]  # every other frame is louder
    values += 0.01 * rng.random(values.shape)
    floor = tf.fill([1, TRANSFORM.frames, BANDS], 0.4)
    steady = tf.constant(values)
    made = noise_between(steady, width_of(PITCH, TRANSFORM), floor, TRANSFORM)
    np.testing.assert_allclose(level_in_bands(made, TRANSFORM), 0.4, atol=0.02)
    lower = noise_between(steady, width_of(PITCH, TRANSFORM), floor - 0.35, TRANSFORM).numpy()
    np.testing.assert_allclose(np.ptp(lower.mean(axis=2)), 0.2, atol=0.02)  # no further than 24 dB


def test_a_band_without_a_bin_breaks_nothing() -> None:
    coarse = Framing(22_050, 256, 32, 16)
    values = tf.fill([1, coarse.frames, coarse.bins], 0.5)
    level = level_in_bands(values, coarse)
    made = noise_between(values, tf.fill([1, coarse.frames], 4.0), level, coarse)
    np.testing.assert_allclose(made, 0.5, atol=1e-5)
