"""Models of another rate and length are compared by what both can do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import train
from infra.starter.pack import pack
from sound_vae.data.audio import Sound
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.report import DataError
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.common_ground import CommonGround, coding_loss, recordings
from sound_vae.serving.served_model import ServedModel
from tests.training.tones import write_notes


@pytest.fixture(scope="module")
def slow(tones: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A well trained model of the same tones at half the rate, and longer ones."""
    folder = tmp_path_factory.mktemp("slow")
    arguments = ["--data", str(tones), "--model-dir", str(folder), *small, "--epochs", "60"]
    arguments += ["--channels", "32", "--latent-dim", "8"]
    arguments += ["--sample-rate", "4000", "--clip-seconds", "0.3"]
    assert train.main(arguments) == 0
    return folder


def test_the_ground_is_the_lower_rate_and_the_shorter_length(
    model_dir: Path, slow: Path, tones: Path
) -> None:
    fast_model, slow_model = ServedModel.load(model_dir), ServedModel.load(slow)
    ground = CommonGround.of(slow_model.transform, fast_model.transform)
    assert ground == CommonGround.of(fast_model.transform, slow_model.transform)
    assert ground.transform.sample_rate == 4000
    assert ground.samples == fast_model.transform.clip_samples // 2
    shapes = {
        ground.spectrograms(model.sample(["low", "high"], seeds=[1, 2])).shape
        for model in (fast_model, slow_model)
    }
    shapes.add((2, *ground.original(recordings(tones, ["low_1.wav"], 45.0)[0]).shape[1:]))
    assert shapes == {(2, ground.transform.frames, ground.transform.bins)}


def test_low_notes_are_read_again_with_the_window_of_the_ground(tmp_path: Path) -> None:
    folder = write_notes(tmp_path, 40, 45, 0.8)
    data = read_dataset(folder)
    ground = CommonGround.of(data.transform, Transform.choose(8000, 0.5))
    again = ground.reread(folder, data.subset(np.array([1, 2])), 45.0)
    assert again.transform == ground.transform


def test_the_same_sound_at_two_rates_is_the_same_on_common_ground(tone: Any) -> None:
    ground = CommonGround.of(Transform.choose(8000, 0.3), Transform.choose(4000, 0.2))
    fast, slow = (
        ground.original(Sound(tone(600, 0.5, rate), rate // 2, rate, 1)) for rate in (8000, 4000)
    )
    assert np.abs(fast - slow)[fast > 0.5].max() < 3 / 80  # dB of 80
    assert fast[0, :, :].max() > 0.8


def test_a_better_model_has_a_lower_loss_whatever_its_rate(
    model_dir: Path, slow: Path, tones: Path
) -> None:
    untrained, trained = ServedModel.load(model_dir), ServedModel.load(slow)
    ground = CommonGround.of(trained.transform, untrained.transform)
    sounds = recordings(
        tones, [f"{label}_{i}.wav" for label in ("low", "high") for i in (2, 7)], 45
    )
    assert coding_loss(trained, ground, sounds) < coding_loss(untrained, ground, sounds) - 0.1


def test_files_that_cannot_be_read_are_left_out(tones: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"nothing")
    soundfile.write(tmp_path / "b.wav", np.sin(np.arange(4000)), 8000)
    assert len(recordings(tmp_path, ["a.wav", "b.wav"], 45.0)) == 1


def test_three_clips_of_another_length_do_not_beat_a_good_model(
    slow: Path, tmp_path: Path, small: list[str], tone: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    pack(slow, tmp_path / "model.tar.gz")
    data, model, checkpoints = (tmp_path / name for name in ("data", "model", "checkpoints"))
    data.mkdir()
    for take in range(3):
        soundfile.write(data / f"low_{take}.wav", tone(310 + 5 * take, 0.12), 8000)
    arguments = ["--data", str(data), "--model-dir", str(model), *small, "--epochs", "2"]
    arguments += ["--served", str(tmp_path / "model.tar.gz"), "--checkpoint-dir", str(checkpoints)]
    assert train.main(arguments) == 0
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["comparable"] == 1
    assert metrics["val_loss"] > metrics["served_val_loss"]
    assert metrics["full_val_loss"] != metrics["val_loss"]
    why = "on the one label that both know, low (the served model knows 1 more), at 4000 Hz and "
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith(f"compared with the served model {why}") for line in lines)
    last = [line for line in lines if line.startswith("figures: val_loss=")][-1]
    assert last.startswith(
        f"figures: val_loss={metrics['val_loss']:.6g} comparable=1 served_val_loss="
    )
    summary = json.loads((checkpoints / "summary.json").read_text())
    assert summary["comparison"]["comparable"] is True
    assert summary["comparison"]["why"].startswith(why)
    assert summary["figures"] == metrics


def test_accuracy_is_measured_by_a_recogniser_of_the_common_ground(
    tones: Path, slow: Path, model_dir: Path
) -> None:
    ground = CommonGround.of(
        ServedModel.load(slow).transform, ServedModel.load(model_dir).transform
    )
    data = read_dataset(tones)
    chosen = [list(data.names).index(name) for name in ("high_3.wav", "low_1.wav")]
    clips = ground.reread(tones, data.subset(np.array(chosen)), 45.0)
    assert clips.names == ["high_3.wav", "low_1.wav"]
    assert clips.labels == ["high", "low"]
    assert clips.label_ids.tolist() == [0, 1]
    assert clips.transform == ground.transform


def test_a_folder_that_has_gone_is_a_clear_error(slow: Path, tmp_path: Path) -> None:
    transform = ServedModel.load(slow).transform
    none = Dataset.of(np.zeros((0, transform.frames, transform.bins)), transform)
    with pytest.raises(DataError, match="not a folder"):
        CommonGround.of(transform, transform).reread(tmp_path / "gone", none, 45.0)
