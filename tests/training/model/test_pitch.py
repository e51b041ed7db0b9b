"""A sound that was asked for at a pitch has that pitch."""

from typing import Any

import librosa
import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.bands import BANDS
from sound_vae.model.excitation import Excitation
from sound_vae.model.exciter import pitch_distribution
from sound_vae.model.framing import Framing
from sound_vae.model.pitch import moved_to, nearest, octaves_of, pitch_range
from sound_vae.model.spectrogram import Transform
from sound_vae.model.vocoder import Vocoder

TRANSFORM = Transform.choose(8000, 0.8)
SHAPE = (1, TRANSFORM.frames, TRANSFORM.bins)
NO_FLOOR = tf.zeros([*SHAPE[:2], BANDS])


def hertz(wave: np.ndarray) -> float:
    """Median pitch by another method than that of our own analysis: YIN."""
    return float(np.median(librosa.yin(wave, fmin=60, fmax=1000, sr=TRANSFORM.sample_rate)[4:-4]))


@pytest.mark.parametrize("wanted", [98.0, 220.0, 311.1, 440.0])
def test_it_is_in_tune_within_20_cents_and_keeps_its_vibrato(wanted: float) -> None:
    time = np.arange(TRANSFORM.frames) * TRANSFORM.hop_length / TRANSFORM.sample_rate
    own = octaves_of(tf.constant([200.0]), TRANSFORM)[:, None] + 0.02 * np.sin(30 * time)[None]
    own = tf.cast(own, tf.float32)
    values = tf.fill(SHAPE, 0.7)
    target = octaves_of(tf.constant([wanted]), TRANSFORM)
    excitation = Excitation(own, tf.ones([*SHAPE[:2], BANDS]), NO_FLOOR)
    moved = moved_to(target, excitation, values, TRANSFORM)
    np.testing.assert_allclose(np.ptp(moved.octaves), np.ptp(own), atol=1e-5)
    wave = Vocoder(TRANSFORM).waveform(values, moved, tf.zeros([1, 4])).numpy()[0]
    assert abs(1200 * np.log2(hertz(wave) / wanted)) < 20


def test_what_is_silent_or_noise_does_not_count() -> None:
    octaves = np.full(SHAPE[:2], 1.0, np.float32)
    values = np.full(SHAPE, 0.7, np.float32)
    periodicity = np.ones((*SHAPE[:2], BANDS), np.float32)
    octaves[:, :20], values[:, :20] = 3.5, 0.0
    octaves[:, -20:], periodicity[:, -20:] = 0.2, 0.0
    excitation = Excitation(octaves, periodicity, NO_FLOOR)
    moved = moved_to(tf.constant([2.0]), excitation, values, TRANSFORM)
    np.testing.assert_allclose(moved.octaves[:, 20:-20], 2.0, atol=1e-3)


def pitch_of_z(z: tf.Tensor, training: bool) -> tuple[tf.Tensor, ...]:
    """An exciter that takes the first latent dimension for the pitch."""
    logits = 20 * pitch_distribution(tf.repeat(z[:, :1], 5, axis=1), 49)
    sounds = tf.shape(z)[0]
    return logits, tf.ones([sounds, 5, BANDS]), tf.zeros([sounds, 5, BANDS])


EXCITER: Any = pitch_of_z


def test_the_nearest_of_the_draws_is_taken() -> None:
    z = np.array([[0.5, 1], [1.5, 2], [2.5, 3], [1.0, 4], [2.0, 5], [3.0, 6]], np.float32)
    np.testing.assert_array_equal(nearest(EXCITER, tf.constant(z), tf.constant(1.4)), [1.5, 2])
    np.testing.assert_array_equal(nearest(EXCITER, tf.constant(z), tf.constant(2.9)), [3.0, 6])


def test_a_draw_that_is_unlike_nearly_all_is_not_taken_for_its_pitch() -> None:
    octaves = np.append(np.linspace(1.0, 1.5, 39), 3.0).astype(np.float32)
    chosen = nearest(EXCITER, tf.constant(octaves[:, None]), tf.constant(3.0))
    assert 1.4 < float(chosen[0]) <= 1.5


def test_the_range_is_what_the_analysis_can_find() -> None:
    assert pitch_range(TRANSFORM) == (62.5, 1000)
    usual, longer = (Framing(44_100, 2048, n_fft, 256) for n_fft in (1024, 2048))
    assert pitch_range(usual) == pytest.approx((86.1, 1378.1), abs=0.1)
    assert pitch_range(longer) == pytest.approx((43.1, 1378.1), abs=0.1)
