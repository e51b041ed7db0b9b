from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.density import LabelMixtures
from sound_vae.model.excitation import octaves_heard
from sound_vae.model.exciter import build_exciter
from sound_vae.quality.contrast import LEAST, MOST, fitting_contrast
from sound_vae.serving.description import Description
from sound_vae.serving.sound_generator import SoundGenerator


class Remembers(VAE):
    """Decodes what it has seen, louder or softer below the loudest value."""

    def __init__(self, data: Dataset, times: float) -> None:
        frames, bins = data.clips.shape[1:]
        super().__init__(Architecture("default", frames, bins, latent_dim=2, channels=8))
        clips = tf.constant(data.clips[np.arange(len(data))], tf.float32)
        loudest = tf.reduce_max(clips, axis=[1, 2], keepdims=True)
        known = tf.maximum(loudest - times * (loudest - clips), 0)
        self.decoder = lambda z, training: tf.gather(known, tf.cast(z[:, 0], tf.int32))


def fitted(folder: Path, times: float) -> float:
    rng = np.random.default_rng(0)
    for take in range(12):  # bursts of noise that fall silent
        wave = rng.normal(size=6400) * np.exp(-np.arange(6400) / (1500 + 100 * take))
        soundfile.write(folder / f"burst_{take}.wav", wave / 8, 8000)
    data = read_dataset(folder)
    vae = Remembers(data, times)
    exciter = build_exciter(vae.architecture, octaves_heard(data.transform))
    means = np.arange(len(data), dtype=np.float32)[:, None].repeat(2, axis=1)
    density = LabelMixtures.fit(means, data.label_ids, data.labels)

    def generator_with(contrast: float) -> SoundGenerator:
        described = Description(
            vae.architecture, data.transform, data.labels, 1.0, 0.0, contrast=contrast
        )
        return SoundGenerator(vae, density, described, 0, exciter)

    return fitting_contrast(generator_with, data, means)


def test_what_a_decoder_and_a_vocoder_fill_in_is_taken_off(tmp_path: Path) -> None:
    vocoder, both = (fitted(tmp_path, times) for times in (1.0, 0.95))
    assert LEAST < vocoder < 1.1
    assert vocoder + 0.02 < both < MOST
    assert fitted(tmp_path, 0.8) == MOST


def test_where_nothing_is_filled_in_there_is_none(tmp_path: Path) -> None:
    assert fitted(tmp_path, 1.3) == LEAST
