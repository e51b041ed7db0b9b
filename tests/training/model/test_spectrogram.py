import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.spectrogram import Transform


def test_spoken_digits_get_a_square_spectrogram() -> None:
    transform = Transform.choose(8000, 1.024)
    assert (transform.n_fft, transform.hop_length, transform.clip_samples) == (256, 64, 8192)
    assert (transform.frames, transform.bins) == (128, 128)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.05, 0.7, 3.3])
def test_any_rate_and_length_gives_whole_frames(rate: int, seconds: float) -> None:
    transform = Transform.choose(rate, seconds)
    assert transform.seconds >= seconds - 1 / rate
    values = transform.spectrogram(tf.random.stateless_uniform([1, transform.clip_samples], [1, 2]))
    assert values.shape == (1, transform.frames, transform.bins)
    assert transform.waveform(values, 1).shape == (1, transform.clip_samples)


def test_values_are_decibels_of_a_full_scale_sine() -> None:
    transform = Transform.choose(8000, 0.5)
    t = np.arange(transform.clip_samples) / 8000
    loud, soft = np.sin(2 * np.pi * 1000 * t), 0.01 * np.sin(2 * np.pi * 1000 * t)
    values = transform.spectrogram(tf.constant(np.stack([loud, soft]), tf.float32)).numpy()
    middle = transform.frames // 2
    assert values[0, middle].argmax() == 32  # 1000 Hz of 31.25 Hz bins
    assert values[0, middle, 32] == pytest.approx(1.0, abs=0.01)
    assert values[1, middle, 32] == pytest.approx(0.5, abs=0.01)  # -40 of -80 dB


def test_sound_survives_the_way_to_a_spectrogram_and_back() -> None:
    transform = Transform.choose(8000, 0.5)
    t = np.arange(transform.clip_samples) / 8000
    chirp = 0.5 * np.sin(2 * np.pi * (300 * t + 900 * t**2)) * np.exp(-2 * t)
    values = transform.spectrogram(tf.constant(chirp[None], tf.float32))
    again = transform.spectrogram(transform.waveform(values, 64)).numpy()
    audible = values.numpy() > 0.5
    error = 80 * np.abs(again - values.numpy())[audible]
    assert np.median(error) < 1.0  # dB


def test_the_floor_is_silence() -> None:
    transform = Transform.choose(8000, 0.2)
    waves = transform.waveform(tf.zeros([1, transform.frames, transform.bins]), 4)
    assert np.abs(waves.numpy()).max() == 0


def test_frames_that_do_not_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="hop_length 200 is too long for n_fft 256: at most 128"):
        Transform.choose(8000, 1.0, n_fft=256, hop_length=200)
