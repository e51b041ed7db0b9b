from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.data.contents import NO_LABEL
from sound_vae.data.dataset import Dataset
from sound_vae.model.listener import LACKING_DB, LAYERS, Listener
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(4000, 0.25)


def tones(count: int) -> Dataset:
    """Low (0) and high (1) tones, softer and louder."""
    rng = np.random.default_rng(0)
    label_ids = np.arange(count) % 2
    hertz = np.where(label_ids == 0, 400, 1200) * rng.uniform(0.9, 1.1, count)
    time = np.arange(TRANSFORM.clip_samples) / TRANSFORM.sample_rate
    waves = rng.uniform(0.3, 0.9, (count, 1)) * np.sin(2 * np.pi * hertz[:, None] * time)
    values = TRANSFORM.spectrogram(tf.constant(waves, tf.float32)).numpy()
    return Dataset.of(values, TRANSFORM, label_ids, ["low", "high"])


@pytest.fixture(scope="module")
def listener() -> Listener:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sound_vae.model.listener.STEPS", 40)
        made = Listener.train(tones(120))
    assert made is not None
    return made


def test_a_mean_of_decibels_is_no_distance_from_the_sound(listener: Listener) -> None:
    values = tf.constant(tones(4).clips[:])
    mean = values - LACKING_DB / -TRANSFORM.floor_db
    np.testing.assert_allclose(listener.errors(listener.hear(values), mean), 0, atol=1e-6)


def test_another_label_is_further_away_than_another_take(listener: Listener) -> None:
    values = tones(42).clips
    wanted = listener.hear(tf.constant(values[:40]))
    take = listener.errors(wanted, tf.constant(values[2:42])).numpy()
    label = listener.errors(wanted, tf.constant(values[1:41])).numpy()
    assert take.shape == (LAYERS,)
    assert label[-1] > 2 * take[-1]


def test_levels_are_heard_so_that_no_loud_value_makes_up_for_a_soft_sound(
    listener: Listener,
) -> None:
    values = tones(40).clips[:].astype(np.float32)
    softer = np.maximum(values - 0.08, 0)  # by 6 dB
    errors = listener.errors(listener.hear(tf.constant(values)), tf.constant(softer)).numpy()
    assert (errors > 1e-3).all()


def test_gradients_are_numbers_even_for_silence(listener: Listener) -> None:
    wanted = listener.hear(tf.constant(tones(2).clips[:]))
    for start in (0.0, 0.5):
        values = tf.fill([2, TRANSFORM.frames, TRANSFORM.bins], start)
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = tf.reduce_sum(listener.errors(wanted, values))
        assert np.isfinite(tape.gradient(loss, values).numpy()).all()


def test_few_clips_make_no_listener() -> None:
    data = tones(120)
    few = replace(data, label_ids=np.where(np.arange(120) < 99, data.label_ids, NO_LABEL))
    assert Listener.train(few) is None
