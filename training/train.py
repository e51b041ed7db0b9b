"""Train the sound VAE and write the folder that the endpoint serves.

On this machine:

    python training/train.py --data recordings --model-dir model --epochs 20

With `--checkpoint-dir` a run that was cut short goes on where it was when it is started again.

On SageMaker it is the entry point of the training job: folders come from SM_CHANNEL_DATA and
SM_MODEL_DIR, hyperparameters as `--name value`. hyperparameters.json lists them all.
"""

import argparse
import json
import math
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news

import keras
import numpy as np

from autoencoder import VAE, Architecture
from checkpoint import Checkpoint, fingerprint
from dataset import Dataset, read_dataset
from evaluate import accuracy, evaluate, train_recogniser
from export import AUDIBLE, export, publish
from gate import compare, served_archive
from perceptual import Listener
from preprocess import DataError
from report import write_report
from sampling import LabelMixtures
from training_loop import Schedule, Trainer, TrainingFailed, choose_batch_size, round_weights

HERE = Path(__file__).parent
# no epoch depends on these
AFTER_TRAINING = ("temperature", "texture", "griffin_lim_iterations", "evaluation_sounds")
STOPPED = 128 + signal.SIGTERM


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Folders and hyperparameters; the latter's types and limits are those of their JSON file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        default=_checkpoint_dir(),
        help="where the state after each epoch goes; nowhere when not given",
    )
    folders.add_argument(
        "--served",
        type=Path,
        default=served_archive(os.environ.get("SM_CHANNEL_SERVED")),
        help="model.tar.gz of the served model, to be measured on the same validation clips",
    )
    group = parser.add_argument_group("hyperparameters")
    for name, schema in hyperparameters().items():
        spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        default = schema.get("default")
        chosen = "chosen from the data" if default is None else default
        group.add_argument(
            *spellings,
            dest=name,
            type=_reader(schema),
            default=default,
            metavar=schema["type"].upper(),
            help=f"{schema['description']} ({chosen})".replace("%", "%%"),
        )
    args = parser.parse_args(argv)
    args.model_dir = _model_dir(args.model_dir)
    if args.data is None:
        parser.error("--data is missing: name the folder that holds the sounds")
    if args.model_dir is None:
        parser.error("--model-dir is missing: name the folder that the model is written to")
    args.data = Path(args.data)
    return args


def hyperparameters() -> dict[str, dict[str, Any]]:
    """Name to JSON-Schema words."""
    return json.loads((HERE / "hyperparameters.json").read_text(encoding="utf-8"))


def _reader(schema: dict[str, Any]) -> Any:
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


def _checkpoint_dir() -> Path | None:
    """SageMaker keeps this folder's content in S3, and puts it back before the next attempt."""
    folder = _sagemaker_folder() / "checkpoints"
    return folder if folder.is_dir() or "SM_MODEL_DIR" in os.environ else None


def _sagemaker_folder() -> Path:
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def train(args: argparse.Namespace) -> dict[str, float]:
    """Go from the data folder to the model folder; gives the figures of the best epoch."""
    keras.utils.set_random_seed(args.seed)
    print(f"reading {args.data}", flush=True)
    data = read_dataset(
        args.data,
        sample_rate=args.sample_rate,
        clip_seconds=args.clip_seconds,
        n_fft=args.n_fft,
        hop_length=args.hop_length,
        trim_db=args.trim_db,
    )
    print(data.report)
    training, validation = data.split(args.validation_split)
    transform = data.transform
    try:
        vae = VAE(
            Architecture(
                args.preset, transform.frames, transform.bins, args.latent_dim or 0, args.channels
            )
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    print(
        f"{transform.sample_rate} Hz, {transform.seconds:.2f} s a clip, "
        f"{transform.frames} frames x {transform.bins} bins\n"
        f"{len(training)} clips to train on, {len(validation)} to validate; "
        f"preset {args.preset}, {vae.count_params():,} parameters",
        flush=True,
    )
    listener = None
    if args.perceptual and data.labels:
        listener = Listener.train(
            data.values[training], data.label_ids[training], transform, seed=args.seed
        )
    trainer = Trainer(
        vae,
        data.values[training],
        data.values[validation],
        Schedule(
            epochs=args.epochs,
            batch_size=args.batch_size or choose_batch_size(len(training)),
            learning_rate=args.learning_rate,
            warmup_epochs=args.warmup_epochs,
            steps_per_call=args.steps_per_call,
            seed=args.seed,
            kl_weight=args.kl_weight,
        ),
        labels=len(data.labels),
        label_ids=(data.label_ids[training], data.label_ids[validation]),
        listener=listener,
    )
    checkpoint = None
    if args.checkpoint_dir:
        settings = {n: getattr(args, n) for n in hyperparameters() if n not in AFTER_TRAINING}
        state = fingerprint(settings, data.values, data.names, data.label_ids)
        checkpoint = Checkpoint(args.checkpoint_dir, state)
    history = checkpoint.restore(trainer) if checkpoint else []

    def report(figures: dict[str, float]) -> None:
        history.append(figures)
        if checkpoint:
            checkpoint.save(trainer, history)
        print(_line(figures), flush=True)

    trainer.run(report, done=len(history))
    metrics = finish(trainer, data, training, validation, args)
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        (args.output / "history.json").write_text(json.dumps(history, indent=2) + "\n")
        write_report(args.output, args.model_dir, history, metrics)
    return metrics


def finish(
    trainer: Trainer,
    data: Dataset,
    training: np.ndarray,
    validation: np.ndarray,
    args: argparse.Namespace,
) -> dict[str, float]:
    """Round the weights, fit the latent density to what they give, export, and listen to it."""
    round_weights(trainer.vae)
    metrics = trainer.evaluate()
    means = trainer.posterior_means(data.values[training])
    density = LabelMixtures.fit(means, data.label_ids[training], data.labels, args.seed)
    unfinished = args.model_dir.absolute().with_name(f".{args.model_dir.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    export(
        unfinished,
        trainer.vae,
        data.transform,
        density,
        data.labels,
        temperature=args.temperature,
        iterations=args.griffin_lim_iterations,
        texture=args.texture * trainer.residual(AUDIBLE) if args.texture else 0.0,
        metrics=metrics,
    )
    print(f"best {_line(metrics)}", flush=True)
    recogniser = None
    if args.evaluation_sounds:
        recogniser = train_recogniser(data, training, args.seed)
        quality = evaluate(
            unfinished,
            data,
            training,
            validation,
            temperature=args.temperature,
            sounds=args.evaluation_sounds,
            seed=args.seed,
            recogniser=recogniser,
        )
        metrics |= quality
        print(_line(quality) or "too few clips to measure the quality by", flush=True)
    if args.served:
        judge = None
        if recogniser:
            judge = partial(
                accuracy, recogniser=recogniser, sounds=args.evaluation_sounds, seed=args.seed
            )
        comparison = compare(args.served, trainer, data, judge)
        if judge and comparison["comparable"]:
            comparison["val_accuracy"] = judge(unfinished)
        metrics |= comparison
        print(f"val_loss={metrics['val_loss']:.6g} {_line(comparison)}", flush=True)
    (unfinished / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    publish(unfinished, args.model_dir)
    print(f"model written to {args.model_dir}", flush=True)
    return metrics


def _line(figures: dict[str, float]) -> str:
    return " ".join(f"{name}={value:.6g}" for name, value in figures.items())


def main(argv: list[str] | None = None) -> int:
    """Run, and give the exit code; a mistake that a user can mend becomes one sentence."""
    args = parse_args(argv)
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _stop) if in_main_thread else None
    try:
        train(args)
    except (DataError, TrainingFailed) as error:
        _report_failure(str(error))
        return 1
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """End at once: what is on the disk is whole at any moment, and lacks one epoch at most."""
    print("stopped; the epochs that were finished are in the checkpoint", flush=True)
    os._exit(STOPPED)


def _report_failure(sentence: str) -> None:
    """SageMaker shows the failure file's text as the job's FailureReason."""
    output = _sagemaker_folder() / "output"
    if output.is_dir():
        (output / "failure").write_text(sentence)
    print(f"error: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
