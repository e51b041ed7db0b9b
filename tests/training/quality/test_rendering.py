"""What the data say of a vocoder: a voice is nearer with it, a chord without."""

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.rendering import compare_renderings

TRANSFORM = Transform.choose(8000, 0.5)


class Playing:
    """A generator that plays these waves in turns, whatever it is asked for."""

    def __init__(self, waves: np.ndarray) -> None:
        self.waves = tf.constant(waves, tf.float32)

    def sample(
        self, label: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        waves = tf.gather(self.waves, seed % len(self.waves))
        wavs = [tf.audio.encode_wav(wave[:, None], TRANSFORM.sample_rate) for wave in waves]
        return {"wav_bytes": tf.stack(wavs), "z": tf.zeros([len(label), 2])}


def waves(count: int, seed: int, harmonics: int) -> np.ndarray:
    """Tones with as many harmonics, each of another pitch."""
    rng = np.random.default_rng(seed)
    time = np.arange(TRANSFORM.clip_samples) / TRANSFORM.sample_rate
    pitch = rng.uniform(150, 250, (count, 1))
    tones = [np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, harmonics + 1)]
    noise = 0.003 * rng.standard_normal((count, len(time)))
    return 0.3 * np.sum(tones, axis=0) + noise


@pytest.mark.parametrize("vocoded_is_rich", [True, False])
def test_the_way_whose_sounds_are_like_the_recordings_is_nearer(vocoded_is_rich: bool) -> None:
    real = waves(60, 0, 12)
    clips = TRANSFORM.spectrogram(tf.constant(real, tf.float32)).numpy()
    data = Dataset.of(clips, TRANSFORM)
    rich, dull = Playing(waves(60, 1, 12)), Playing(waves(60, 2, 2))
    pair = (rich, dull) if vocoded_is_rich else (dull, rich)
    rendering = compare_renderings(*pair, data, 1.0)  # type: ignore[arg-type]
    assert rendering.vocoder_is_nearer == vocoded_is_rich
    near, far = sorted([rendering.with_vocoder, rendering.without])
    assert far > 2 * near
    chosen = "a vocoder" if vocoded_is_rich else "phase reconstruction"
    assert str(rendering).startswith(f"sounds are made by {chosen}: ")
