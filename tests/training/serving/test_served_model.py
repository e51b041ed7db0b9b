"""A model in Python is the model that the endpoint serves."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from infra.starter.pack import pack
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.description import WEIGHTS_FILE, Description
from sound_vae.serving.served_model import ModelError, ServedModel


@pytest.fixture(scope="module")
def model(model_dir: Path) -> ServedModel:
    return ServedModel.load(model_dir)


def test_it_knows_what_it_can_make(model: ServedModel, description: dict[str, Any]) -> None:
    assert model.labels == ["high", "low"]
    assert model.transform.sample_rate == 8000
    assert model.transform.clip_samples == description["clip_samples"]
    assert model.temperature == description["temperature"]


def test_a_sample_is_the_endpoints_sound_bit_by_bit(model: ServedModel, invoke: Any) -> None:
    sounds = model.sample(["low"], seeds=[7], temperature=0.5)
    body, _ = invoke({"label": "low", "seed": 7, "temperature": 0.5}, accept="audio/wav")
    assert sounds.wavs == [body]
    assert sounds.labels == ["low"]


def test_sounds_are_at_the_models_own_temperature_when_none_is_given(model: ServedModel) -> None:
    own = model.sample(["low", ""], seeds=[1, 2])
    named = model.sample(["low", ""], seeds=[1, 2], temperature=model.temperature)
    assert own.wavs == named.wavs
    assert own.wavs != model.sample(["low", ""], seeds=[1, 2], temperature=0.0).wavs


def test_many_sounds_are_made_in_batches(
    model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.sample(["low", "high", "low"], seeds=[1, 2, 3])
    monkeypatch.setattr("sound_vae.serving.served_model.BATCH", 2)
    parts = model.sample(["low", "high", "low"], seeds=[1, 2, 3])
    np.testing.assert_allclose(parts.z, whole.z, atol=1e-5)
    np.testing.assert_allclose(parts.waves(), whole.waves(), atol=1e-2)
    assert parts.spectrograms().shape == (3, model.transform.frames, model.transform.bins)
    assert model.sample([], seeds=[]).wavs == []


def test_a_morph_goes_from_label_to_label(model: ServedModel) -> None:
    morph = model.morph("low", "high", 3, seed=5)
    ends = model.sample(["low", "high"], seeds=[5, 5])
    np.testing.assert_allclose(morph.z[[0, 2]], ends.z, atol=1e-5)


def test_variations_keep_to_the_given_sound(model: ServedModel, tone: Any) -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(300), 8000, format="WAV", subtype="PCM_16")
    coded = model.vary(file.getvalue(), seeds=[0, 1], temperature=0.0)
    np.testing.assert_array_equal(coded.z[0], coded.z[1])
    varied = model.vary(file.getvalue(), seeds=[0, 1])
    assert np.abs(varied.z - coded.z).min(axis=1).max() > 0


def test_latent_vectors_give_their_sound_again(model: ServedModel) -> None:
    sounds = model.sample(["low", "high"], seeds=[1, 2])
    np.testing.assert_allclose(model.decode(sounds.z).waves(), sounds.waves(), atol=1e-2)


def test_a_pitch_is_the_endpoints_too(model: ServedModel, invoke: Any) -> None:
    sounds = model.sample(["low"], seeds=[7], temperature=0.5, pitch=300)
    request = {"label": "low", "seed": 7, "temperature": 0.5, "pitch": 300}
    assert sounds.wavs == [invoke(request, accept="audio/wav")[0]]
    np.testing.assert_allclose(model.decode(sounds.z, 300).waves(), sounds.waves(), atol=1e-2)
    several = model.sample(["high", "low"], seeds=[8, 7], temperature=0.5, pitch=300)
    np.testing.assert_allclose(several.z[1], sounds.z[0], atol=1e-5)
    with pytest.raises(ModelError, match=r"makes sounds of 62.5 to 1000 Hz, not 2000"):
        model.sample(["low"], seeds=[7], pitch=2000)


def test_saved_then_loaded_gives_the_same_output(tmp_path: Path) -> None:
    transform = Transform(4000, 32 * 8, 32, 8)
    vae = VAE(Architecture("default", 32, 16, latent_dim=4, channels=8))
    vae.save_weights(tmp_path / WEIGHTS_FILE)
    described = Description(vae.architecture, transform, ["a"], 0.9, 0.0, pitch_range=(60.0, 960.0))
    described.write(tmp_path)
    again = ServedModel.load(tmp_path)
    assert again.description == described
    x = np.random.default_rng(0).random((3, 32, 16), np.float32)
    np.testing.assert_array_equal(again.vae(x).numpy(), vae(x).numpy())


def test_an_archive_is_as_good_as_its_folder(
    model: ServedModel, model_dir: Path, tmp_path: Path
) -> None:
    pack(model_dir, tmp_path / "model.tar.gz")
    packed = ServedModel.load(tmp_path / "model.tar.gz")
    assert packed.sample(["low"], seeds=[1]).wavs == model.sample(["low"], seeds=[1]).wavs
    for one, other in zip(packed.vae.get_weights(), model.vae.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ({}, r"model\.json"),
        ({"model.json": b"{}"}, "no model that this version can read"),
        ({"model.json": b"not JSON"}, "no model that this version can read"),
    ],
)
def test_a_folder_without_a_model_says_so(
    tmp_path: Path, content: dict[str, bytes] | None, words: str
) -> None:
    folder = tmp_path / "folder"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_bytes(text)
    with pytest.raises(ModelError, match=words):
        ServedModel.load(folder)


def test_a_model_without_its_weights_says_so(model_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(model_dir, tmp_path / "model")
    (tmp_path / "model" / "vae.weights.h5").unlink()
    with pytest.raises(ModelError, match=r"holds no vae\.weights\.h5"):
        _ = ServedModel.load(tmp_path / "model").vae
