import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any, cast

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

import train
from infra.starter.pack import pack
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.fit.schedule import Schedule
from sound_vae.fit.trainer import Trainer
from sound_vae.model.recogniser import Recogniser
from sound_vae.quality.compare_served import compare_served
from sound_vae.quality.evaluation import accuracy
from sound_vae.serving.served_model import ServedModel


@pytest.fixture(scope="module")
def data(tones: Path) -> Dataset:
    return read_dataset(tones)


@pytest.fixture
def trainer(model_dir: Path, data: Dataset) -> Trainer:
    vae = ServedModel.load(model_dir).vae
    return Trainer(vae, *data.split(0.1), Schedule(1, 4, 1e-3, 1, 4, 0))


@pytest.fixture
def archive(model_dir: Path, tmp_path: Path) -> Path:
    pack(model_dir, tmp_path / "model.tar.gz")
    return tmp_path / "model.tar.gz"


def changed(model_dir: Path, folder: Path, name: str, value: Any) -> Path:
    shutil.copytree(model_dir, folder / "model")
    description = json.loads((model_dir / "model.json").read_text())
    description[name] = value(description[name])
    (folder / "model/model.json").write_text(json.dumps(description))
    pack(folder / "model", folder / "changed.tar.gz")
    return folder / "changed.tar.gz"


def test_a_model_is_as_good_as_itself(archive: Path, trainer: Trainer) -> None:
    figures = compare_served(archive, trainer, accuracy=lambda served: len(served.labels))
    assert figures["comparable"] == 1
    assert figures["served_val_loss"] == pytest.approx(trainer.evaluate()["val_loss"], abs=1e-6)
    assert figures["served_val_accuracy"] == 2  # it was given the served model


def test_a_worse_model_has_a_higher_loss(archive: Path, trainer: Trainer) -> None:
    own = trainer.evaluate()["val_loss"]
    trainer.vae.set_weights([np.zeros_like(w) for w in trainer.vae.get_weights()])
    assert compare_served(archive, trainer)["served_val_loss"] == pytest.approx(own, abs=1e-6)
    assert trainer.evaluate()["val_loss"] > own


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("labels", lambda labels: [*labels, "third"], "its labels are high, low, third"),
        ("transform", lambda t: {**t, "sample_rate": 4000}, "another length, rate or resolution"),
        ("architecture", lambda a: {**a, "channels": 24}, "no model that this version can read"),
        ("architecture", lambda a: {**a, "wings": 2}, "no model that this version can read"),
    ],
)
def test_a_model_for_another_task_is_not_compared(
    model_dir: Path,
    tmp_path: Path,
    trainer: Trainer,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: Any,
    words: str,
) -> None:
    archive = changed(model_dir, tmp_path, name, value)
    assert compare_served(archive, trainer) == {"comparable": 0}
    out = capsys.readouterr().out
    assert words in out
    assert len(out.splitlines()) == 1


def test_weights_that_are_missing_are_not_made_up(
    model_dir: Path, tmp_path: Path, trainer: Trainer
) -> None:
    shutil.copytree(model_dir, tmp_path / "model")
    with h5py.File(tmp_path / "model/vae.weights.h5", "a") as file:
        names: list[str] = []
        file.visititems(lambda name, x: names.append(name) if isinstance(x, h5py.Dataset) else None)
        del file[names[-1].rpartition("/")[0]]
    pack(tmp_path / "model", tmp_path / "model.tar.gz")
    assert compare_served(tmp_path / "model.tar.gz", trainer) == {"comparable": 0}


def test_accuracy_is_the_share_of_sounds_heard_right(model_dir: Path) -> None:
    class Deaf:
        def listen(self, values: np.ndarray) -> tuple[None, np.ndarray]:
            return None, np.zeros(len(values), int)

    assert accuracy(ServedModel.load(model_dir), cast(Recogniser, Deaf()), sounds=8) == 0.5


def hostile(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no archive"),
        lambda path: tarfile.open(path, "w:gz").close(),
        hostile,
    ],
    ids=["absent", "empty", "other", "no files", "hostile"],
)
def test_a_broken_archive_does_not_fail_the_run(
    tmp_path: Path, trainer: Trainer, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "model.tar.gz")
    assert compare_served(tmp_path / "model.tar.gz", trainer) == {"comparable": 0}
    assert "not compared with the served model: " in capsys.readouterr().out
    assert not (tmp_path / "outside").exists()


def test_a_run_prints_how_the_served_model_fares(
    archive: Path,
    tones: Path,
    tmp_path: Path,
    small: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        train, "export", lambda folder, vae, density, description, **_: description.write(folder)
    )
    monkeypatch.setenv("SM_CHANNEL_SERVED", str(archive.parent))
    model = tmp_path / "new"
    assert train.main(["--data", str(tones), "--model-dir", str(model), *small]) == 0
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["comparable"] == 1
    assert metrics["served_val_loss"] == pytest.approx(metrics["val_loss"], abs=1e-2)
    assert f" comparable=1 served_val_loss={metrics['served_val_loss']:.6g}" in (
        capsys.readouterr().out
    )
