import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.density import LabelMixtures
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.description import Description
from sound_vae.serving.export import UNFINISHED, publish, unfinished_folder
from sound_vae.serving.sound_generator import SoundGenerator, resample

Samples = Callable[[bytes], tuple[np.ndarray, int]]


def sample(model: Any, labels: list[str], seeds: list[int], temperature: float = 0.8) -> Any:
    return model.signatures["serving_default"](
        label=tf.constant(labels),
        seed=tf.constant(seeds, tf.int64),
        temperature=tf.fill([len(seeds)], temperature),
    )


def test_a_label_gives_a_wav_of_the_models_rate_length_and_loudness(
    saved_model: Any, description: dict[str, Any], samples: Samples
) -> None:
    outputs = sample(saved_model, ["low", "high"], [1, 2])
    for wav in outputs["wav_bytes"].numpy():
        assert wav[:4] == b"RIFF"
        assert wav[8:12] == b"WAVE"
        sound, rate = samples(wav)
        assert rate == description["sample_rate"]
        assert rate * 0.01 < len(sound) <= description["clip_samples"]
        assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-1, abs=0.01)  # dBFS
    assert list(outputs["label"].numpy()) == [b"low", b"high"]


def test_the_same_seed_gives_the_same_sound_whatever_is_in_the_batch(
    saved_model: Any, samples: Samples
) -> None:
    alone = sample(saved_model, ["low"], [7])
    among = sample(saved_model, ["high", "low", ""], [3, 7, 9])
    np.testing.assert_allclose(alone["z"][0], among["z"][1], atol=1e-6)
    one, _ = samples(alone["wav_bytes"].numpy()[0])
    other, _ = samples(among["wav_bytes"].numpy()[1])
    np.testing.assert_allclose(one, other, atol=1e-2)
    again = sample(saved_model, ["low"], [7])
    assert again["wav_bytes"].numpy()[0] == alone["wav_bytes"].numpy()[0]


def test_another_seed_gives_another_sound(saved_model: Any) -> None:
    z = sample(saved_model, ["low", "low"], [1, 2])["z"].numpy()
    assert np.abs(z[0] - z[1]).max() > 1e-3


def test_no_label_stands_for_any(saved_model: Any) -> None:
    labels = sample(saved_model, [""] * 20, list(range(20)))["label"].numpy()
    assert set(labels) == {b"low", b"high"}


def test_temperature_zero_is_the_labels_middle(saved_model: Any) -> None:
    z = sample(saved_model, ["low", "low"], [1, 2], 0.0)["z"].numpy()
    np.testing.assert_allclose(z[0], z[1])


def test_an_unknown_label_is_refused(saved_model: Any) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="label"):
        sample(saved_model, ["cowbell"], [1])


def test_a_morph_starts_and_ends_at_its_labels(saved_model: Any) -> None:
    outputs = saved_model.signatures["morph"](
        start=tf.constant("low"),
        end=tf.constant("high"),
        steps=tf.constant(5),
        seed=tf.constant(3, tf.int64),
        temperature=tf.constant(0.8),
    )
    z = outputs["z"].numpy()
    ends = sample(saved_model, ["low", "high"], [3, 3])["z"].numpy()
    assert len(outputs["wav_bytes"]) == 5
    np.testing.assert_allclose(z[[0, -1]], ends, atol=1e-5)
    np.testing.assert_allclose(z[2], ends.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_variations_take_a_wav_of_any_rate(
    saved_model: Any, tone: Any, tmp_path: Any, rate: int, channels: int
) -> None:
    def z(rate: int, channels: int) -> np.ndarray:
        sound = np.stack([tone(600, 0.2, rate)] * channels, axis=1)
        soundfile.write(tmp_path / "a.wav", sound, rate)
        outputs = saved_model.signatures["variations"](
            audio_bytes=tf.constant((tmp_path / "a.wav").read_bytes()),
            seed=tf.constant([1, 2], tf.int64),
            temperature=tf.constant([0.0, 1.0]),
        )
        return outputs["z"].numpy()

    reference, given = z(8000, 1), z(rate, channels)
    assert np.abs(given[0] - given[1]).max() > 1e-3
    np.testing.assert_allclose(given[0], reference[0], atol=0.1 * np.abs(reference).max() + 0.05)


def test_texture_roughens_sound_but_not_silence() -> None:
    transform = Transform.choose(8000, 0.2)
    vae = VAE(Architecture("default", transform.frames, transform.bins, latent_dim=2, channels=8))
    density = LabelMixtures.fit(np.zeros((4, 2)), np.zeros(4, int), ["a"])
    description = Description(vae.architecture, transform, ["a"], temperature=1.0, texture=0.1)
    generator = SoundGenerator(vae, density, description, iterations=1)
    decoded = np.zeros((1, transform.frames, transform.bins), np.float32)
    decoded[:, :, :20] = 0.5
    rough = generator._roughen(tf.constant(decoded)).numpy()
    assert rough[:, :, :20].std() == pytest.approx(0.1, rel=0.1)
    assert not rough[:, :, 20:].any()
    np.testing.assert_array_equal(rough, generator._roughen(tf.constant(decoded)).numpy())


def test_resampling_keeps_pitch_and_level(tone: Any) -> None:
    t = np.arange(44_100) / 44_100
    sound = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    lower = resample(tf.constant(sound), tf.constant(44_100), 8000).numpy()
    assert lower.shape == (8000,)
    np.testing.assert_allclose(lower, np.sin(2 * np.pi * 440 * np.arange(8000) / 8000), atol=1e-2)


def test_a_model_is_never_seen_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(folder: Path, text: str) -> None:
        for file in ("1/saved_model.pb", "1/variables/data", "code/inference.py", "model.json"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)

    def seen() -> set[str]:
        return {file.read_text() for file in model.rglob("*") if file.is_file() and visible(file)}

    def visible(file: Path) -> bool:
        return UNFINISHED not in file.parts

    model, rename, died = tmp_path / "model", Path.rename, 0
    while True:
        shutil.rmtree(model, ignore_errors=True)
        write(model, "old")
        write(unfinished_folder(model, 1), "new")
        left = died

        def or_die(self: Path, to: Path) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            rename(self, to)

        monkeypatch.setattr(Path, "rename", or_die)
        monkeypatch.setattr(shutil, "move", lambda *_: pytest.fail("it may copy"))
        try:
            publish(model / UNFINISHED, model)
            break
        except KeyboardInterrupt:
            died += 1
            if (model / "1").exists():
                assert len(list((model / "1").rglob("*"))) == 3
                assert seen() in ({"old"}, {"new"})
    assert died == 6
    assert seen() == {"new"}
    assert {path.name for path in model.iterdir()} == {"1", "code", "model.json"}
