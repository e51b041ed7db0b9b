"""A run that starts from a model goes on from its weights, and refuses one that does not fit."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

import train
from sound_vae.data.dataset import read_dataset
from sound_vae.fit.checkpoint import fingerprint
from sound_vae.fit.schedule import Schedule
from sound_vae.serving.served_model import ServedModel
from tests.training.conftest import RATE, make_tone

NEXT_TO_NOTHING, MUCH_TOO_FAST = "1e-9", "0.5"


def go_on(data: Path, start: Path, to: Path, learning_rate: str, *more: str) -> int:
    arguments = ["--data", str(data), "--start-from", str(start), "--model-dir", str(to)]
    quick = ["--epochs", "1", "--batch-size", "4", "--vocoder", "false", "--evaluation-sounds", "0"]
    return train.main([*arguments, *quick, "--learning-rate", learning_rate, *more])


def weights(folder: Path) -> list[np.ndarray]:
    return ServedModel.load(folder).vae.get_weights()


def of_training(folder: Path) -> list[np.ndarray]:
    return [w.numpy() for w in ServedModel.load(folder).vae.trainable_variables]


def test_it_begins_with_the_models_weights(tones: Path, model_dir: Path, tmp_path: Path) -> None:
    assert go_on(tones, model_dir, tmp_path, NEXT_TO_NOTHING) == 0
    for before, after in zip(of_training(model_dir), of_training(tmp_path), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_it_never_ends_with_a_model_worse_than_that_it_began_with(
    tones: Path, model_dir: Path, tmp_path: Path
) -> None:
    assert go_on(tones, model_dir, tmp_path, MUCH_TOO_FAST) == 0
    for before, after in zip(weights(model_dir), weights(tmp_path), strict=True):
        np.testing.assert_array_equal(after, before)


def test_the_divergence_has_its_full_weight_from_the_first_epoch() -> None:
    pace = {"epochs": 70, "batch_size": 8, "learning_rate": 1e-3, "warmup_epochs": 1}
    new, warm = (
        Schedule(**pace, steps_per_call=1, seed=0, kl_weight=4.0, warm_start=warm)  # type: ignore[arg-type]
        for warm in (False, True)
    )
    assert new.kl_weight_in(1) < 1
    assert warm.kl_weight_in(1) == 4.0


def test_more_and_longer_recordings_are_heard_as_the_model_hears(
    tones: Path, model_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(tones, tmp_path / "data")
    for take in range(12):  # alone they would get longer clips, at another rate
        sound = make_tone(320, seconds=0.5, rate=2 * RATE)
        soundfile.write(tmp_path / "data" / f"low_1{take}.wav", sound, 2 * RATE)
    assert go_on(tmp_path / "data", model_dir, tmp_path / "model", "1e-3") == 0
    assert ServedModel.load(tmp_path / "model").transform == ServedModel.load(model_dir).transform


def test_a_run_that_was_cut_short_goes_on(
    tones: Path, model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--checkpoint-dir", str(tmp_path / "checkpoints")]
    assert go_on(tones, model_dir, tmp_path / "one", "1e-3", *kept) == 0
    assert go_on(tones, model_dir, tmp_path / "again", "1e-3", *kept) == 0
    assert "going on after epoch 1 of 1" in capsys.readouterr().out


def test_a_checkpoint_is_of_one_model_to_start_from(tones: Path, model_dir: Path) -> None:
    data, begun = read_dataset(tones), weights(model_dir)
    other = [*begun[:-1], begun[-1] + 1]
    assert len({fingerprint({}, data, values) for values in ((), begun, other)}) == 3


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (["--sample-rate", "11025"], "sample_rate is 11025, and the model that start_from names"),
        (["--latent-dim", "9"], "latent_dim is 9, and the model that start_from names has 4"),
        (["--preset", "reference"], "preset is reference, and the model"),
    ],
)
def test_a_hyperparameter_that_contradicts_the_model_is_refused(
    tones: Path,
    model_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    setting: list[str],
    sentence: str,
) -> None:
    assert go_on(tones, model_dir, tmp_path, "1e-3", *setting) == 1
    assert sentence in capsys.readouterr().err


def test_other_labels_are_refused_by_name(
    tones: Path, model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in tones.iterdir():
        (tmp_path / "data").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "data" / file.name.replace("low", "deep"))
    assert go_on(tmp_path / "data", model_dir, tmp_path / "model", "1e-3") == 1
    said = capsys.readouterr().err
    assert "the data has other labels than the model that start_from names: also deep; not low" in (
        said
    )


def test_an_archive_that_is_no_model_is_refused(
    tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")
    assert go_on(tones, tmp_path / "model.tar.gz", tmp_path / "model", "1e-3") == 1
    said = capsys.readouterr().err
    assert "start_from cannot be gone on from: model.tar.gz is no model" in said
    assert "Traceback" not in said
