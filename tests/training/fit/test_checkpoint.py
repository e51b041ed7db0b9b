import json
import os
import random
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import train
from sound_vae.data.dataset import Dataset
from sound_vae.fit.checkpoint import FILE, Checkpoint, fingerprint
from sound_vae.fit.schedule import Schedule
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.listener import Listener
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.description import Description
from sound_vae.serving.export import UNFINISHED
from sound_vae.serving.served_model import ServedModel
from trust.kills import Runs, fork_server

TRANSFORM = Transform(4000, 16 * 8, 32, 8)
KILLS, KILLS_NEAR_THE_END, EPOCHS = 8, 2, 30  # `make trust` kills more often


class Cut(Exception):  # noqa: N818 - it is no error
    """Ends a run where it stands."""


def trainer(seed: int = 0) -> Trainer:
    values = np.random.default_rng(seed).random((8, 16, 16)).astype(np.float16)
    data = Dataset.of(values, TRANSFORM)
    vae = VAE(Architecture("default", 16, 16, latent_dim=2, channels=8))
    return Trainer(
        vae,
        data.subset(np.arange(6)),
        data.subset(np.arange(6, 8)),
        Schedule(9, 2, 1e-3, 1, 4, seed),
    )


def moved(trainer: Trainer) -> Trainer:
    """Let nothing have its initial value."""
    trainer.vae.set_weights([w + 0.5 for w in trainer.vae.get_weights()])
    trainer.best_weights = [w - 0.25 for w in trainer.vae.get_weights()]
    trainer.best_loss = -1.25
    for variable in trainer.optimizer.variables:
        variable.assign_add(np.ones(variable.shape, variable.dtype))
    return trainer


def test_a_trainer_gets_back_all_that_training_changes(tmp_path: Path) -> None:
    before, after = moved(trainer()), trainer()
    history = [{"epoch": 1.0, "val_loss": 0.1 + 0.2}]
    Checkpoint(tmp_path, "same").save(before, history)
    assert Checkpoint(tmp_path, "same").restore(after) == history
    assert after.best_loss == before.best_loss
    for one, other in (
        (before.vae.get_weights(), after.vae.get_weights()),
        (before.best_weights, after.best_weights),
        (before.optimizer.variables, after.optimizer.variables),
    ):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_only_the_newest_state_is_kept(tmp_path: Path) -> None:
    for epochs in (1, 2, 3):
        Checkpoint(tmp_path, "same").save(trainer(), [{}] * epochs)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    assert len(Checkpoint(tmp_path, "same").restore(trainer())) == 3


def test_a_checkpoint_of_other_settings_is_ignored_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoint(tmp_path, "these").save(moved(trainer()), [{}])
    fresh = trainer()
    weights = fresh.vae.get_weights()
    assert Checkpoint(tmp_path, "those").restore(fresh) == []
    assert "other data or hyperparameters: starting afresh" in capsys.readouterr().out
    np.testing.assert_array_equal(fresh.vae.get_weights()[0], weights[0])


@pytest.mark.parametrize("change", ["cut", "flip", "empty", "other model"])
def test_a_damaged_checkpoint_is_ignored_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    Checkpoint(tmp_path, "same").save(trainer(), [{}])
    content = bytearray((tmp_path / FILE).read_bytes())
    if change == "cut":
        del content[len(content) // 2 :]
    elif change == "flip":
        content[len(content) // 3] ^= 0xFF
    elif change == "empty":
        content.clear()
    (tmp_path / FILE).write_bytes(content)
    fresh = trainer()
    if change == "other model":
        fresh.vae = VAE(Architecture("default", 16, 16, latent_dim=3, channels=8))
    assert Checkpoint(tmp_path, "same").restore(fresh) == []
    assert "cannot be used" in capsys.readouterr().out
    assert fresh.best_loss == np.inf


@pytest.mark.parametrize(
    ("after", "offset", "byte"),
    [
        (b"PK\1\2", 6, 0xFF),  # a member needs a later version of the format
        (b"PK\1\2", 8, 1),  # it is encrypted
        (b"PK\1\2", 10, 99),  # it is compressed in a way that nobody knows
        (b"'<f4'", 3, ord("2")),  # it says that it is smaller than it is
        (b"'fortran_order': False", 20, 0xFF),
        (b"'shape': (", 9, 0),
    ],
)
def test_a_wrong_byte_in_what_is_not_data_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after: bytes, offset: int, byte: int
) -> None:
    Checkpoint(tmp_path, "same").save(moved(trainer()), [{}])
    content = bytearray((tmp_path / FILE).read_bytes())
    content[content.index(after) + offset] = byte
    (tmp_path / FILE).write_bytes(content)
    fresh = trainer()
    weights = fresh.vae.get_weights()
    assert Checkpoint(tmp_path, "same").restore(fresh) == []
    assert capsys.readouterr().out.endswith(": starting afresh\n")
    np.testing.assert_array_equal(fresh.vae.get_weights()[0], weights[0])


def test_a_folder_that_cannot_be_written_to_costs_the_checkpoint_and_not_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    Checkpoint(tmp_path / "file", "same").save(trainer(), [{}])
    assert "no checkpoint of epoch 1" in capsys.readouterr().out


def test_a_full_disk_keeps_the_last_checkpoint_and_nothing_unfinished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoint(tmp_path, "same").save(trainer(), [{}])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        Checkpoint(tmp_path, "same").save(trainer(), [{}, {}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no checkpoint of epoch 2" in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    assert len(Checkpoint(tmp_path, "same").restore(trainer())) == 1


def test_a_fingerprint_tells_settings_and_data_apart() -> None:
    values = np.zeros((2, 3, 4), np.float16)
    data = Dataset.of(values, TRANSFORM)
    same = fingerprint({"a": 1, "b": None}, data)
    assert same == fingerprint({"b": None, "a": 1}, Dataset.of(values.copy(), TRANSFORM))
    others = [
        fingerprint({"a": 2, "b": None}, data),
        fingerprint({"a": 1, "b": None}, replace(data, names=["x", "y"])),
        fingerprint({"a": 1, "b": None}, replace(data, label_ids=np.array([0, 1]))),
        fingerprint({"a": 1, "b": None}, Dataset.of(values.reshape(2, 4, 3), TRANSFORM)),
        fingerprint({"a": 1, "b": None}, Dataset.of(values + 1, TRANSFORM)),
    ]
    assert len({same, *others}) == 6


def test_a_fingerprint_tells_versions_of_the_program_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sound_vae.fit.checkpoint.PROGRAM", tmp_path)
    data, found = Dataset.of(np.zeros((2, 3, 4), np.float16), TRANSFORM), []
    for loss in ("mse", "mae", "mae"):
        (tmp_path / "loss.py").write_text(loss)
        found.append(fingerprint({}, data))
    assert found[0] != found[1] == found[2]


def test_a_run_that_was_cut_short_ends_as_if_it_had_not_been(
    tones: Path, tmp_path: Path, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[VAE] = []

    def export(folder: Path, vae: VAE, _: Any, description: Description, **__: Any) -> None:
        trained.append(vae)
        description.write(folder)

    def run(folder: str) -> list[dict[str, float]]:
        arguments = ["--checkpoint-dir", str(tmp_path / folder), "--output", str(tmp_path / folder)]
        arguments += ["--data", str(tones), "--model-dir", str(tmp_path / "model"), *small]
        # without a graph there are no sounds to measure
        assert train.main([*arguments, "--epochs", "4", "--evaluation-sounds", "0"]) == 0
        return json.loads((tmp_path / folder / "history.json").read_text())

    def cut_after_two(self: Checkpoint, trainer: Trainer, history: Any) -> None:
        save(self, trainer, history)
        if len(history) == 2:
            raise Cut

    monkeypatch.setattr(train, "export", export)
    monkeypatch.setattr(train, "write_run_report", lambda *_: None)
    whole = run("whole")
    save = Checkpoint.save
    monkeypatch.setattr(Checkpoint, "save", cut_after_two)
    with pytest.raises(Cut):
        run("cut")
    monkeypatch.setattr(Checkpoint, "save", save)
    resumed = run("cut")
    assert [epoch["epoch"] for epoch in resumed] == [1, 2, 3, 4]
    for one, other in zip(whole, resumed, strict=True):
        assert one["val_loss"] == pytest.approx(other["val_loss"], abs=1e-5)
    for a, b in zip(trained[0].get_weights(), trained[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_run_that_goes_on_does_not_train_its_listener_again(
    tmp_path: Path, tone: Any, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for take in range(60):
        for label, hertz in (("low", 300), ("high", 1500)):
            soundfile.write(tmp_path / f"{label}_{take}.wav", tone(hertz + take), 8000)
    learnt: list[list[np.ndarray]] = []
    heard: list[list[np.ndarray]] = []

    def learn(self: Listener, *_: Any, **__: Any) -> None:
        self.network.set_weights([w + 0.125 for w in self.network.get_weights()])
        learnt.append(self.network.get_weights())

    monkeypatch.setattr(Listener, "learn", learn)

    def finish(_: Any, trainer: Any, __: Any) -> train.Outcome:
        heard.append(trainer.listener.network.get_weights())
        return train.Outcome({})

    monkeypatch.setattr(train, "finish", finish)
    arguments = ["--data", str(tmp_path), "--model-dir", str(tmp_path / "model"), *small]
    for _ in range(2):
        assert train.main([*arguments, "--checkpoint-dir", str(tmp_path / "checkpoints")]) == 0
    assert len(learnt) == 1
    for weights in heard:
        for one, other in zip(weights, learnt[0], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with fork_server() as server:
        yield Runs(server, tmp_path, EPOCHS)


def test_a_run_killed_at_any_moment_loses_one_epoch_at_most(runs: Runs) -> None:
    rng = random.Random(0)
    for kill in range(KILLS + KILLS_NEAR_THE_END):
        near_the_end = kill >= KILLS
        before, lines = runs.saved(), len(runs.printed())
        process = runs.start(compiled=near_the_end)
        if rng.random() < 0.8 or near_the_end:  # or while it still starts
            runs.wait(process, EPOCHS if near_the_end else before + 1)
        time.sleep(rng.uniform(0, 1.5 if near_the_end else 0.3))
        os.kill(process, signal.SIGKILL)
        assert runs.end() == -signal.SIGKILL
        printed = runs.printed()[lines:]
        assert printed == list(range(before + 1, before + 1 + len(printed)))
        assert 0 <= runs.saved() - before - len(printed) <= 1  # it is saved, then printed
        if (runs.model / "1").exists():
            assert ServedModel.load(runs.model).vae
    runs.start(compiled=True)
    assert runs.end() == 0
    assert runs.saved() == EPOCHS
    assert ServedModel.load(runs.model).vae
    assert (runs.model / "1" / "saved_model.pb").is_file()
    assert not (runs.model / UNFINISHED).exists()
    assert {path.name for path in runs.folder.iterdir()} == {"data", "log", "checkpoints", "model"}


def test_sigterm_ends_a_run_at_once_with_what_is_done_saved(runs: Runs) -> None:
    process = runs.start(compiled=False)
    runs.wait(process, 2)
    os.kill(process, signal.SIGTERM)
    assert runs.end() == train.STOPPED
    assert "stopped" in runs.log.read_text().splitlines()[-1]
    assert runs.saved() - max(runs.printed()) in (0, 1)
    assert not any(runs.model.iterdir())
