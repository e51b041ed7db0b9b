import errno
import fcntl
import json
import os
import resource
import signal
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

import train
from sound_vae.data.dataset import read_dataset
from sound_vae.fit.arguments import hyperparameters
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import VAE
from sound_vae.model.coding import posterior_means
from sound_vae.model.density import LabelMixtures
from sound_vae.quality.evaluation import FIGURES
from sound_vae.serving.description import Description
from sound_vae.serving.served_model import ServedModel
from sound_vae.serving.sound_generator import SoundGenerator

HERE = Path(train.__file__).parent


def test_one_epoch_writes_what_the_serving_container_reads(model_dir: Path) -> None:
    files = {path.relative_to(model_dir).as_posix() for path in model_dir.rglob("*")}
    assert {
        "1/saved_model.pb",
        "1/variables/variables.index",
        "code/inference.py",
        "model.json",
        "map.json",
        "vae.weights.h5",
        "metrics.json",
    } <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
    description = json.loads((model_dir / "model.json").read_text())
    assert description["labels"] == ["high", "low"]
    assert description["sample_rate"] == 8000
    assert (model_dir / "code/inference.py").read_text() == (
        HERE / "sound_vae/serving/container/inference.py"
    ).read_text()


def test_the_map_holds_the_training_clips_where_the_encoder_puts_them(
    model_dir: Path, tones: Path
) -> None:
    drawn = json.loads((model_dir / "map.json").read_text())
    training, _ = read_dataset(tones).split(hyperparameters()["validation_split"]["default"])
    assert drawn["labels"] == training.labels
    assert [point["name"] for point in drawn["points"]] == training.names
    assert [point["label"] for point in drawn["points"]] == training.label_ids.tolist()
    mu = posterior_means(ServedModel.load(model_dir).vae, training)
    np.testing.assert_allclose([point["z"] for point in drawn["points"]], mu, atol=6e-4)


def test_saved_weights_and_saved_graph_give_the_same_sound(
    model_dir: Path, saved_model: Any, description: dict[str, Any], samples: Any
) -> None:
    z = np.random.default_rng(0).normal(size=(1, description["latent_dim"])).astype(np.float32)
    served, _ = samples(saved_model.signatures["latents"](z=z)["wav_bytes"].numpy()[0])
    model = ServedModel.load(model_dir)
    density = LabelMixtures.fit(z, np.zeros(1, int), ["any"])
    iterations = hyperparameters()["griffin_lim_iterations"]["default"]
    one_label = replace(model.description, labels=["any"])
    again = SoundGenerator(model.vae, density, one_label, iterations, model.exciter)
    sound, _ = samples(tf.function(again.latents)(tf.constant(z))["wav_bytes"].numpy()[0])
    np.testing.assert_allclose(served, sound, atol=1e-3)


def test_weights_are_rounded_so_that_the_archive_is_small(model_dir: Path) -> None:
    for variable in ServedModel.load(model_dir).vae.trainable_variables:
        value = tf.convert_to_tensor(variable)
        rounded = tf.cast(tf.cast(value, tf.bfloat16), tf.float32)
        np.testing.assert_array_equal(value.numpy(), rounded.numpy())


def test_a_vocoder_has_an_exciter_and_a_model_without_one_has_none(
    model_dir: Path, tones: Path, tmp_path: Path, small: list[str]
) -> None:
    assert ServedModel.load(model_dir).exciter is not None
    arguments = ["--data", str(tones), "--model-dir", str(tmp_path / "model"), *small]
    assert train.main([*arguments, "--vocoder", "false"]) == 0
    model = ServedModel.load(tmp_path / "model")
    assert model.exciter is None
    assert model.decode(np.zeros((1, model.description.architecture.latent_dim))).wavs


def test_training_learns_and_prints_one_plain_line_an_epoch(
    tones: Path, tmp_path: Path, small: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tones), "--model-dir", str(tmp_path), "--output", str(tmp_path)]
    assert train.main([*arguments, *small, "--epochs", "12"]) == 0
    out = capfd.readouterr().out
    lines = [line.split()[1:] for line in out.splitlines() if line.startswith("figures: epoch=")]
    assert [line[0] for line in lines] == [f"epoch={i}" for i in range(1, 13)]
    for line in lines:
        figures = dict(pair.split("=") for pair in line)
        assert set(figures) - {"epoch"} <= set(
            json.loads((HERE / "metrics.json").read_text())["metrics"]
        )
        assert all(np.isfinite(float(value)) for value in figures.values())
    assert "clips kept: 24" in out
    assert "\r" not in out
    losses = [epoch["val_loss"] for epoch in json.loads((tmp_path / "history.json").read_text())]
    assert losses[-1] < losses[0]
    best = json.loads((tmp_path / "metrics.json").read_text())["val_loss"]
    assert best == pytest.approx(min(losses), abs=0.02)  # rounding the weights costs little


def test_labelled_clips_are_listened_to_while_training_and_afterwards(
    tmp_path: Path,
    small: list[str],
    tone: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sound_vae.model.recogniser.Recogniser.STEPS", 20)
    monkeypatch.setattr("sound_vae.model.listener.STEPS", 20)
    data, model = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    for take in range(60):
        for label, hertz in (("low", 300), ("high", 1500)):
            sound = tone(hertz * (1 + 0.002 * take), seconds=0.05 + 0.0005 * take)
            soundfile.write(data / f"{label}_{take}.wav", sound, 8000)
    trained: list[Trainer] = []

    class Remembered(Trainer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            trained.append(self)

    monkeypatch.setattr(train, "Trainer", Remembered)
    arguments = ["--data", str(data), "--model-dir", str(model), *small]
    assert train.main([*arguments, "--evaluation-sounds", "20"]) == 0
    assert trained[0].listener is not None
    assert trained[0].prior.means.shape == (3, 4)
    figures = json.loads((model / "metrics.json").read_text())
    assert set(FIGURES) < set(figures)
    assert set(FIGURES) < set(json.loads((HERE / "metrics.json").read_text())["metrics"])
    out = capfd.readouterr().out
    for name in FIGURES:
        assert f"{name}={figures[name]:.6g}" in out.split()


def test_the_same_seed_trains_the_same_model(
    model_dir: Path,
    tones: Path,
    tmp_path: Path,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[VAE] = []

    def export(folder: Path, vae: VAE, _: Any, description: Description, **__: Any) -> None:
        trained.append(vae)
        description.write(folder)

    monkeypatch.setattr(train, "export", export)
    train.main(["--data", str(tones), "--model-dir", str(tmp_path), *small])
    before = ServedModel.load(model_dir).vae.get_weights()
    for one, other in zip(before, trained[0].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_loss_that_is_not_a_number_stops_the_run_and_says_why(
    tones: Path,
    tmp_path: Path,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "output").mkdir()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(
        "sound_vae.fit.trainer.elbo_loss", lambda mse, kl, values: mse * float("nan")
    )
    arguments = ["--data", str(tones), "--model-dir", str(tmp_path / "model"), *small]
    assert train.main(arguments) == 1
    reason = (tmp_path / "output" / "failure").read_text()
    assert "the loss became nan in epoch 1" in reason
    assert "learning_rate" in reason
    assert capfd.readouterr().err.splitlines()[-1] == f"error: {reason}"
    assert not (tmp_path / "model" / "1").exists()


def test_a_report_that_cannot_be_written_does_not_fail_a_run_that_has_its_model(
    tones: Path,
    tmp_path: Path,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(train, "finish", lambda *_: train.Outcome({}))
    (tmp_path / "file").touch()
    arguments = ["--data", str(tones), "--model-dir", str(tmp_path / "model"), *small]
    assert train.main([*arguments, "--output", str(tmp_path / "file")]) == 0
    assert f"no report in {tmp_path / 'file'}" in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("fault", ["not a folder", "full"])
def test_a_model_folder_that_cannot_take_a_model_is_found_before_training(
    tones: Path,
    tmp_path: Path,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    monkeypatch.setattr(train, "learn", lambda *_: pytest.fail("it was trained"))
    model = tmp_path / "model"
    if fault == "not a folder":
        model.touch()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, limits[1]))
    try:
        assert train.main(["--data", str(tones), "--model-dir", str(model), *small]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith(f"error: the model cannot be written to {model}: ")
    if fault == "full":
        assert list(model.iterdir()) in ([], [model / ".unfinished"])


def test_a_disk_that_fills_up_at_the_end_is_one_sentence(
    tones: Path,
    tmp_path: Path,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(train, "export", full)
    model = tmp_path / "model"
    assert train.main(["--data", str(tones), "--model-dir", str(model), *small]) == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == f"error: the model cannot be written to {model}: No space left on device"
    assert not (model / "1").exists()


def test_sigterm_ends_a_run_whose_log_nobody_reads() -> None:
    read, write = os.pipe()
    process = os.fork()
    if not process:
        sys.stdout = os.fdopen(write, "w")
        signal.signal(signal.SIGTERM, train._stop)
        while True:
            print("x" * 1000, flush=True)
    os.close(write)
    held, before = 0, -1
    while held != before:  # until the pipe is full
        time.sleep(0.3)
        before, held = held, int.from_bytes(fcntl.ioctl(read, termios.FIONREAD, bytes(4)), "little")
    assert held > 4096
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    if not ended[0]:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        pytest.fail("it still waits")
    os.close(read)
    assert os.waitstatus_to_exitcode(ended[1]) == train.STOPPED


def test_a_folder_without_sounds_fails_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    assert train.main(["--data", str(tmp_path / "data"), "--model-dir", str(tmp_path)]) == 1
    assert "is empty" in (tmp_path / "output" / "failure").read_text()
    assert "Traceback" not in capfd.readouterr().err


def test_two_unlabelled_clips_are_enough_to_train(
    tmp_path: Path, small: list[str], tone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    for i in range(2):
        soundfile.write(tmp_path / "data" / f"{i}.wav", tone(200 + 100 * i), 8000)
    exported: list[Description] = []

    def export(folder: Path, _: VAE, __: Any, description: Description, **___: Any) -> None:
        exported.append(description)
        description.write(folder)

    monkeypatch.setattr(train, "export", export)
    data, model = str(tmp_path / "data"), str(tmp_path / "model")
    assert train.main(["--data", data, "--model-dir", model, *small]) == 0
    assert exported[0].labels == []
