"""The recogniser listens for what the takes of a label share."""

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.model.recogniser import Recogniser, augmented, log_mel, normalised
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.5)


def sweeps(count: int, seed: int, texture: float = 0.0) -> Dataset:
    """Rising (0), falling (1) and steady (2) tones over a floor of noise."""
    rng = np.random.default_rng(seed)
    label_ids = np.arange(count) % 3
    slope = np.array([1500.0, -1500.0, 0.0])[label_ids] * rng.uniform(0.7, 1.3, count)
    time = np.arange(TRANSFORM.clip_samples) / TRANSFORM.sample_rate - 0.25
    hertz = 1500 * rng.uniform(0.8, 1.2, (count, 1)) + slope[:, None] * time
    waves = 0.5 * np.sin(2 * np.pi * np.cumsum(hertz, axis=1) / TRANSFORM.sample_rate)
    waves += (0.003 + texture) * rng.standard_normal(waves.shape)
    values = TRANSFORM.spectrogram(tf.constant(waves, tf.float32)).numpy()
    return Dataset.of(values, TRANSFORM, label_ids, ["rising", "falling", "steady"])


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser.train(sweeps(240, seed=0), steps=240)


def test_it_recognises_sounds_it_was_not_trained_on(recogniser: Recogniser) -> None:
    data = sweeps(90, seed=1)
    features, heard = recogniser.listen(data.clips)
    assert np.mean(heard == data.label_ids) >= 0.95
    assert features.shape == (90, 64)


def test_it_hears_the_same_through_noise_and_at_any_gain(recogniser: Recogniser) -> None:
    data = sweeps(90, seed=2, texture=0.05)
    assert np.mean(recogniser.listen(data.clips)[1] == data.label_ids) >= 0.9
    softer = np.maximum(data.clips[:] - 20 / 80, 0)  # 20 dB
    assert np.mean(recogniser.listen(softer)[1] == data.label_ids) >= 0.9


def test_the_same_seed_gives_the_same_recogniser() -> None:
    data = sweeps(24, seed=0)
    first, second = (
        Recogniser.train(data, steps=3, seed=7).listen(data.clips)[0] for _ in range(2)
    )
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_augmentation_changes_each_clip_in_its_own_way_and_keeps_the_scale() -> None:
    mels = normalised(log_mel(sweeps(2, seed=0).clips[:1].repeat(8, axis=0), TRANSFORM))
    changed = augmented(tf.constant(mels), tf.constant([0, 1])).numpy()
    assert changed.shape == mels.shape
    assert np.isfinite(changed).all()
    assert changed.min() >= 0
    assert changed.max() < 2
    assert len({round(float(clip.mean()), 6) for clip in changed}) == 8


def test_mel_bands_follow_pitch_whatever_the_sample_rate() -> None:
    for rate in (8000, 44100):
        transform = Transform.choose(rate, 0.25)
        time = np.arange(transform.clip_samples) / rate
        waves = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (300, 900, 2700)])
        mels = log_mel(transform.spectrogram(tf.constant(waves, tf.float32)).numpy(), transform)
        loudest = mels.mean(axis=1).argmax(axis=1)
        assert (np.diff(loudest) > 0).all()
