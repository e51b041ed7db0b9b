"""A made sound ends where a recording of it would have been cut."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.data.audio import Sound, read_sound
from sound_vae.model.framing import moment_samples
from sound_vae.model.trimming import ends, faded

RATE, SAMPLES = 8000, 8192


def dying(seconds: float, hiss_db: float = -90.0) -> np.ndarray:
    """A tone that loses 60 dB in `seconds`, over a steady hiss."""
    time = np.arange(SAMPLES) / RATE
    tone = np.sin(2 * np.pi * 440 * time) * 10 ** (-3 * time / seconds)
    hiss = np.random.default_rng(0).normal(size=SAMPLES) * 10 ** (hiss_db / 20)
    return (0.8 * tone + hiss).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6])
def test_it_ends_where_a_recording_of_it_is_cut(tmp_path: Path, seconds: float) -> None:
    wave = dying(seconds)
    soundfile.write(tmp_path / "a.wav", wave, RATE, subtype="FLOAT")
    cut = read_sound(45.0, 10.0, tmp_path, "a.wav")
    assert isinstance(cut, Sound)
    assert ends(tf.constant(wave[None]), RATE, 45.0).numpy().tolist() == [cut.length]


def test_hiss_that_nobody_hears_is_no_sound() -> None:
    after = ends(tf.constant([dying(0.3, hiss_db=-60.0)]), RATE, 45.0).numpy()[0]
    assert after / RATE == pytest.approx(0.3 * 45 / 60, abs=0.03)


def test_a_sound_that_is_loud_to_the_end_is_left_whole() -> None:
    wave = np.ones((1, SAMPLES - 3), np.float32)  # no whole number of moments
    after = ends(tf.constant(wave), RATE, 45.0)
    assert after.numpy().tolist() == [SAMPLES - 3]
    np.testing.assert_array_equal(faded(tf.constant(wave), after, RATE), wave)


def test_silence_has_a_length() -> None:
    assert ends(tf.zeros([1, SAMPLES]), RATE, 45.0).numpy().tolist() == [moment_samples(RATE)]


def test_an_end_does_not_click() -> None:
    wave, after = np.ones((1, SAMPLES), np.float32), tf.constant([4000])
    quiet = faded(tf.constant(wave), after, RATE).numpy()[0]
    assert np.abs(np.diff(quiet)).max() < 2 / moment_samples(RATE)
    assert not quiet[4000:].any()
    assert (quiet[: 4000 - moment_samples(RATE)] == 1).all()
