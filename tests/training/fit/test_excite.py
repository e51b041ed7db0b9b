import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.fit.excite import learn_exciter
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.coding import posterior_means
from sound_vae.model.excitation import lowest_pitch
from sound_vae.model.exciter import excite
from sound_vae.model.harmonics import pulses
from sound_vae.model.spectrogram import Transform

PITCHES = {"deep": 110.0, "high": 330.0}  # Hz


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Pulses of two pitches and noise, one label each."""
    folder, rng = tmp_path_factory.mktemp("voices"), np.random.default_rng(0)
    transform = Transform.choose(8000, 0.25)
    for take in range(20):
        for name, hertz in PITCHES.items():
            pitch = tf.fill([1, transform.frames], hertz * (1 + 0.004 * take))
            soundfile.write(folder / f"{name}_{take}.wav", pulses(pitch, transform)[0] / 20, 8000)
        breath = rng.normal(size=transform.clip_samples) / 20
        soundfile.write(folder / f"breath_{take}.wav", breath, 8000)
    return read_dataset(folder)


@pytest.fixture(scope="module")
def vae(voices: Dataset) -> VAE:
    """An encoder that has learnt nothing still gives unlike sounds unlike places, if it is sure."""
    keras.utils.set_random_seed(0)
    frames, bins = voices.clips.shape[1:]
    vae = VAE(Architecture("default", frames, bins, latent_dim=8, channels=16))
    vae.encoder.get_layer("free").bias.assign(tf.fill([8], -100.0))
    return vae


def test_pitch_and_breath_are_learnt_from_the_clips(voices: Dataset, vae: VAE) -> None:
    found = excite(learn_exciter(vae, voices), posterior_means(vae, voices))
    hertz = lowest_pitch(voices.transform) * 2 ** found.octaves.numpy()[:, 4:-4].mean(axis=1)
    periodic = found.periodicity.numpy()[:, 4:-4].mean(axis=(1, 2))
    floor = found.noise_floor.numpy()[:, 4:-4].mean(axis=(1, 2))
    kind = {name: voices.label_ids == i for i, name in enumerate(voices.labels)}
    for name, wanted in PITCHES.items():
        np.testing.assert_allclose(np.median(hertz[kind[name]]), 1.04 * wanted, rtol=0.1)
        assert periodic[kind[name]].mean() > 0.75
        assert floor[kind[name]].mean() < floor[kind["breath"]].mean() - 0.1
    assert periodic[kind["breath"]].mean() < 0.6


def test_a_run_that_begins_it_again_comes_to_the_same_end(voices: Dataset, vae: VAE) -> None:
    one = learn_exciter(vae, voices, seed=3).get_weights()
    keras.utils.set_random_seed(99)
    again = learn_exciter(vae, voices, seed=3).get_weights()
    for a, b in zip(one, again, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_silent_clips_teach_nothing_and_break_nothing(voices: Dataset, vae: VAE) -> None:
    silent = voices.subset(np.arange(1))
    weights = learn_exciter(vae, silent).get_weights()
    assert all(np.isfinite(part).all() for part in weights)
