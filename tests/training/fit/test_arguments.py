import re
import subprocess
import sys
from pathlib import Path

import pytest

import train
from sound_vae.fit.arguments import archive_in, defaults, hyperparameters
from sound_vae.fit.schedule import LEAST_STEPS


def test_runs_under_sagemaker_with_its_folders_and_strings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SM_CHANNEL_DATA", "/opt/ml/input/data/data")
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path))
    args = train.parse_args(
        ["--batch_size", "8", "--learning_rate", "0.01", "--model_dir", "s3://bucket/output"]
    )
    assert args.data == Path("/opt/ml/input/data/data")
    assert args.model_dir == tmp_path
    assert (args.batch_size, args.learning_rate) == (8, 0.01)


@pytest.mark.parametrize("spelling", ["--model-dir", "--model_dir"])
def test_the_model_folder_can_be_spelt_both_ways(spelling: str) -> None:
    assert train.parse_args(["--data", "d", spelling, "out"]).model_dir == Path("out")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "many"], "'many' is not of type integer"),
        (["--epochs", "0"], "0 must be at least 1"),
        (["--learning-rate", "0"], "0 must be more than 0"),
        (["--validation-split", "0.9"], "0.9 must be at most 0.5"),
        (["--learning-rate", "nan"], "nan"),
        (["--preset", "huge"], "'huge' is none of default, reference"),
        (["--epoch-s", "3"], "--epoch-s"),
    ],
)
def test_a_bad_hyperparameter_is_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train.parse_args(["--data", "d", "--model-dir", "m", *arguments])
    assert words in capsys.readouterr().err


def test_help_shows_a_command_and_every_hyperparameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        train.parse_args(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "python training/train.py --data" in text
    for name in hyperparameters():
        assert f"--{name.replace('_', '-')}" in text


def quality_page() -> dict[str, list[str]]:
    """What docs/your_sounds.md says each quality is."""
    page = (Path(train.__file__).parents[1] / "docs" / "your_sounds.md").read_text()
    rows = re.findall(r"^\| `(\w+)`.*? \| (\d+) \| (\d+) \| (yes|no) \| ([\d,]+) \|$", page, re.M)
    return {name: said for name, *said in rows}


@pytest.mark.parametrize("quality", hyperparameters()["quality"]["enum"])
def test_a_quality_chooses_what_is_not_given_as_the_page_says(quality: str) -> None:
    args = train.parse_args(["--data", "d", "--model-dir", "m", "--quality", quality])
    listens = "yes" if args.perceptual else "no"
    chosen = [str(args.epochs), str(args.channels), listens, f"{args.evaluation_sounds:,}"]
    assert quality_page()[quality] == chosen


def test_what_is_given_is_not_chosen_by_a_quality() -> None:
    given = ["--quality", "draft", "--epochs", "3", "--perceptual", "true"]
    args = train.parse_args(["--data", "d", "--model-dir", "m", *given])
    assert (args.epochs, args.perceptual) == (3, True)
    plain = train.parse_args(["--data", "d", "--model-dir", "m"])
    assert (plain.quality, plain.epochs) == ("standard", defaults("standard")["epochs"])


@pytest.mark.parametrize(
    ("argument", "folder"),
    [("checkpoint_dir", "checkpoints"), ("tensorboard_dir", "output/tensorboard")],
)
def test_sagemakers_folders_are_used_when_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, folder: str
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    arguments = ["--data", "d", "--model-dir", "m"]
    assert getattr(train.parse_args(arguments), argument) is None
    (tmp_path / folder).mkdir(parents=True)
    assert getattr(train.parse_args(arguments), argument) == tmp_path / folder


def test_the_channels_archive_is_found_whatever_its_name(tmp_path: Path) -> None:
    assert archive_in(None) is None
    assert archive_in(str(tmp_path)) == tmp_path / "model.tar.gz"
    (tmp_path / "mine.tar.gz").touch()
    assert archive_in(str(tmp_path)) == tmp_path / "mine.tar.gz"


def test_reading_arguments_needs_no_keras() -> None:
    script = "import sys, sound_vae.fit.arguments; print('keras' in sys.modules)"
    folder = Path(train.__file__).parent
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=folder, text=True)
    assert printed == "False\n"


def test_the_steps_that_an_epoch_has_at_least_are_those_that_are_said() -> None:
    assert f"{LEAST_STEPS} optimizer steps" in hyperparameters()["epochs"]["description"]
