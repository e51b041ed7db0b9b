"""The command line of train.py: folders, some of them from SageMaker, and hyperparameters.

hyperparameters.json is the one list of the latter, with their types, limits and defaults, some of
which depend on the quality that is asked for.
"""

import argparse
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sound_vae.log import sentence

TRAINING = Path(__file__).parents[2]


class Parser(argparse.ArgumentParser):
    """Quotes what it was told as one plain line."""

    def error(self, message: str) -> NoReturn:
        """End the process with this sentence."""
        super().error(sentence(message))


def parse(argv: list[str] | None, description: str) -> argparse.Namespace:
    """Read the command line, or end the process with a sentence about what is wrong with it."""
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    folders = parser.add_argument_group("folders")
    channel = os.environ.get("SM_CHANNEL_DATA") or os.environ.get("SM_CHANNEL_TRAIN")
    folders.add_argument(
        "--data", "--train", type=Path, default=channel, help="sounds, or prepared .npy files"
    )
    folders.add_argument(
        "--model-dir",
        "--model_dir",
        default=None,
        help="where the model goes; default SM_MODEL_DIR",
    )
    folders.add_argument(
        "--output",
        type=Path,
        default=os.environ.get("SM_CHANNEL_OUTPUT") or os.environ.get("SM_OUTPUT_DATA_DIR"),
        help="where the report of the run goes; nowhere when not given",
    )
    folders.add_argument(
        "--checkpoint-dir",
        "--checkpoint_dir",
        type=Path,
        default=_mirrored("checkpoints"),
        help="where the state after each epoch goes; nowhere when not given",
    )
    folders.add_argument(
        "--tensorboard-dir",
        "--tensorboard_dir",
        type=Path,
        default=_mirrored("output/tensorboard"),
        help="where curves, pictures and sounds go while it trains; nowhere when not given",
    )
    folders.add_argument(
        "--served",
        type=Path,
        default=archive_in(os.environ.get("SM_CHANNEL_SERVED")),
        help="model.tar.gz of the served model, to be measured on the same validation clips",
    )
    folders.add_argument(
        "--start-from",
        "--start_from",
        type=Path,
        default=archive_in(os.environ.get("SM_CHANNEL_START")),
        help="model.tar.gz or model folder whose weights training begins with; new ones if none",
    )
    group = parser.add_argument_group("hyperparameters")
    for name, schema in hyperparameters().items():
        spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        group.add_argument(
            *spellings,
            dest=name,
            type=reader(schema),
            metavar=schema["type"].upper(),
            help=f"{schema['description']} ({_default_in_words(schema)})".replace("%", "%%"),
        )
    args = parser.parse_args(argv)
    args.quality = args.quality or hyperparameters()["quality"]["default"]
    for name, value in defaults(args.quality).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.model_dir = _model_dir(args.model_dir)
    if args.data is None:
        parser.error("--data is missing: name the folder that holds the sounds")
    if args.model_dir is None:
        parser.error("--model-dir is missing: name the folder that the model is written to")
    args.data = Path(args.data)
    return args


def hyperparameters() -> dict[str, dict[str, Any]]:
    """Name to JSON-Schema words, and to `by_quality`: a default for each quality."""
    return json.loads((TRAINING / "hyperparameters.json").read_text(encoding="utf-8"))


def defaults(quality: str) -> dict[str, Any]:
    """Name to what a hyperparameter is when it is not given; None: chosen from the data."""
    return {
        name: schema["by_quality"][quality] if "by_quality" in schema else schema.get("default")
        for name, schema in hyperparameters().items()
    }


def _default_in_words(schema: dict[str, Any]) -> str:
    if "by_quality" in schema:
        return ", ".join(f"{quality}: {value}" for quality, value in schema["by_quality"].items())
    return str(schema.get("default", "chosen from the data"))


def reader(schema: dict[str, Any]) -> Any:
    """Make the function that turns a hyperparameter's text into its value, for argparse."""
    kinds: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "number": _number,
        "string": str,
        "boolean": _boolean,
    }

    def read(text: str) -> Any:
        try:
            value = kinds[schema["type"]](text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not of type {schema['type']}") from None
        if value not in schema.get("enum", [value]):
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(schema['enum'])}")
        limits = {
            "at least": value >= schema.get("minimum", value),
            "more than": "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"],
            "at most": value <= schema.get("maximum", value),
        }
        keys = {"at least": "minimum", "more than": "exclusiveMinimum", "at most": "maximum"}
        for words, fine in limits.items():
            if not fine:
                raise argparse.ArgumentTypeError(f"{text} must be {words} {schema[keys[words]]}")
        return value

    return read


def _number(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def _model_dir(given: str | None) -> Path | None:
    """Choose the local folder: SM_MODEL_DIR goes to the S3 URL that an estimator names."""
    if given is None or given.startswith("s3://"):
        given = os.environ.get("SM_MODEL_DIR")
    return Path(given) if given else None


def archive_in(channel: str | None) -> Path | None:
    """Find the model's archive in a channel of SageMaker's, a folder; None without the channel."""
    if not channel:
        return None
    return next(iter(sorted(Path(channel).glob("*.tar.gz"))), Path(channel) / "model.tar.gz")


def _mirrored(name: str) -> Path | None:
    """Find a folder whose content SageMaker sends to S3 while a job runs; None elsewhere.

    That of `checkpoints` it also puts back before the next attempt.
    """
    folder = sagemaker_folder() / name
    return folder if folder.is_dir() or "SM_MODEL_DIR" in os.environ else None


def sagemaker_folder() -> Path:
    """Where SageMaker's folders lie, on an instance or elsewhere."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
