import io
import json
import shutil
import tarfile
from dataclasses import replace
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
from sound_vae.log import sentence
from sound_vae.model.recogniser import Recogniser
from sound_vae.quality.compare_served import NewModel, compare_served
from sound_vae.quality.evaluation import accuracy
from sound_vae.serving.served_model import ServedModel


@pytest.fixture(scope="module")
def data(tones: Path) -> Dataset:
    return read_dataset(tones)


@pytest.fixture
def new(model_dir: Path, tones: Path, data: Dataset) -> NewModel:
    model = ServedModel.load(model_dir)
    trainer = Trainer(model.vae, *data.split(0.25), Schedule(1, 4, 1e-3, 1, 4, 0))
    return NewModel(model, trainer, tones, trim_db=45.0, sounds=8)


class Deaf:
    """A recogniser that takes everything for the first of its labels."""

    def listen(self, values: np.ndarray) -> tuple[None, np.ndarray]:
        return None, np.zeros(len(values), int)


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


def test_a_model_is_as_good_as_itself(archive: Path, new: NewModel) -> None:
    comparison = compare_served(archive, replace(new, recogniser=cast(Recogniser, Deaf())))
    assert (comparison.comparable, comparison.why) == (True, "")
    assert set(comparison.figures) == {"served_val_loss", "served_val_accuracy", "val_accuracy"}
    own = new.trainer.evaluate()["val_loss"]
    assert comparison.figures["served_val_loss"] == pytest.approx(own, abs=1e-6)
    assert comparison.figures["served_val_accuracy"] == 0.5  # of sounds of two labels in turns
    assert comparison.figures["val_accuracy"] == 0.5


def test_a_worse_model_has_a_higher_loss(archive: Path, new: NewModel) -> None:
    own = new.trainer.evaluate()["val_loss"]
    vae = new.trainer.vae
    vae.set_weights([np.zeros_like(w) for w in vae.get_weights()])
    figures = compare_served(archive, new).figures
    assert figures["served_val_loss"] == pytest.approx(own, abs=1e-6)
    assert new.trainer.evaluate()["val_loss"] > own


@pytest.mark.parametrize(
    ("labels", "words", "clips"),
    [
        (["high", "low", "third"], "on the 2 labels that both know", 2),
        (["ding", "low"], "on the one label that both know, low", 1),
    ],
)
def test_other_labels_are_compared_on_the_common_ones(
    model_dir: Path, tmp_path: Path, new: NewModel, labels: list[str], words: str, clips: int
) -> None:
    archive = changed(model_dir, tmp_path, "labels", lambda _: labels)
    comparison = compare_served(archive, replace(new, recogniser=cast(Recogniser, Deaf())))
    assert comparison.comparable
    assert comparison.why == f"{words} (the served model knows 1 more)"
    validation = new.trainer.validation
    common = validation.of_labels([label for label in labels if label in validation.labels])
    assert len(set(common.label_ids)) == clips
    assert comparison.figures == {
        "val_loss": pytest.approx(new.trainer.evaluate(data=common)["val_loss"], abs=1e-6),
        "served_val_loss": pytest.approx(
            new.trainer.evaluate(new.model.vae, common.relabelled(labels))["val_loss"], abs=1e-6
        ),
        # "low" is the recogniser's second label, which it never hears
        "served_val_accuracy": 0.5 if clips == 2 else 0.0,
        "val_accuracy": 0.5 if clips == 2 else 0.0,
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("labels", lambda _: ["a", "b"], "its labels are a, b; those of the data high, low"),
        ("labels", lambda _: [], "its labels are none; those of the data high, low"),
        ("labels", lambda _: list("abcdefg"), "its labels are a, b, c, d, e and 2 more; those"),
        ("architecture", lambda a: {**a, "channels": 24}, "no model that this version can read"),
        ("architecture", lambda a: {**a, "wings": 2}, "no model that this version can read"),
    ],
)
def test_a_model_with_no_common_ground_is_not_compared(
    model_dir: Path,
    tmp_path: Path,
    new: NewModel,
    name: str,
    value: Any,
    words: str,
) -> None:
    comparison = compare_served(changed(model_dir, tmp_path, name, value), new)
    assert (comparison.comparable, comparison.figures) == (False, {})
    assert words in comparison.why
    assert str(comparison) == sentence(f"not compared with the served model: {comparison.why}")
    assert "\n" not in comparison.why


def test_prepared_spectrograms_cannot_be_brought_to_another_rate(
    model_dir: Path, tmp_path: Path, new: NewModel
) -> None:
    archive = changed(model_dir, tmp_path, "transform", lambda t: {**t, "sample_rate": 4000})
    validation = new.trainer.validation
    prepared = [name.replace(".wav", ".npy") for name in validation.names]
    new.trainer.validation = replace(validation, names=prepared)
    comparison = compare_served(archive, new)
    assert not comparison.comparable
    assert comparison.why.startswith("its sounds have 4000 Hz and ")


def test_weights_that_are_missing_are_not_made_up(
    model_dir: Path, tmp_path: Path, new: NewModel
) -> None:
    shutil.copytree(model_dir, tmp_path / "model")
    with h5py.File(tmp_path / "model/vae.weights.h5", "a") as file:
        names: list[str] = []
        file.visititems(lambda name, x: names.append(name) if isinstance(x, h5py.Dataset) else None)
        del file[names[-1].rpartition("/")[0]]
    pack(tmp_path / "model", tmp_path / "model.tar.gz")
    comparison = compare_served(tmp_path / "model.tar.gz", new)
    assert (comparison.comparable, comparison.figures) == (False, {})
    assert comparison.why.startswith("model.tar.gz is no model that this version can read")


def test_accuracy_is_the_share_of_sounds_heard_right() -> None:
    deaf, sounds, known = cast(Recogniser, Deaf()), np.zeros((8, 2, 2)), ["high", "low"]
    assert accuracy(deaf, sounds, ["high", "low"] * 4, known) == 0.5
    assert accuracy(deaf, sounds[:3], ["high"] * 3, known) == 1.0


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
def test_a_broken_archive_does_not_fail_the_run(tmp_path: Path, new: NewModel, make: Any) -> None:
    make(tmp_path / "model.tar.gz")
    comparison = compare_served(tmp_path / "model.tar.gz", new)
    assert not comparison.comparable
    assert comparison.why
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
    silent = ["--evaluation-sounds", "0"]  # there is no graph to draw sounds from
    arguments = ["--data", str(tones), "--model-dir", str(model), *small, *silent]
    assert train.main(arguments) == 0
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["comparable"] == 1
    assert metrics["served_val_loss"] == pytest.approx(metrics["val_loss"], abs=1e-2)
    assert f" comparable=1 served_val_loss={metrics['served_val_loss']:.6g}" in (
        capsys.readouterr().out
    )
    assert "full_val_loss" not in metrics
