"""Train the sound VAE and write the folder that the endpoint serves.

On this machine:

    python training/train.py --data recordings --model-dir model --epochs 20

With `--checkpoint-dir` a run that was cut short goes on where it was when it is started again.

On SageMaker it is the entry point of the training job: folders come from SM_CHANNEL_DATA and
SM_MODEL_DIR, hyperparameters as `--name value`. hyperparameters.json lists them all.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import threading
from functools import partial
from types import FrameType

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news

import keras
import numpy as np

from sound_vae.data.clips import DataError
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.streaming import some
from sound_vae.fit.arguments import hyperparameters, parse, sagemaker_folder
from sound_vae.fit.checkpoint import Checkpoint, fingerprint
from sound_vae.fit.trainer import (
    Schedule,
    Trainer,
    TrainingFailed,
    choose_batch_size,
    round_weights,
)
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.density import LabelMixtures
from sound_vae.model.listener import Listener
from sound_vae.quality.compare_served import compare
from sound_vae.quality.evaluation import accuracy, evaluate, train_recogniser
from sound_vae.quality.run_report import write_report
from sound_vae.serving.export import AUDIBLE, export, publish

# no epoch depends on these
AFTER_TRAINING = ("temperature", "texture", "griffin_lim_iterations", "evaluation_sounds")
MOST_CLIPS = 50_000  # that the density is fitted to; it has at most 12 Gaussians a label
STOPPED = 128 + signal.SIGTERM


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Folders and hyperparameters."""
    return parse(argv, __doc__ or "")


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
        listener = Listener.untrained(data.label_ids[training], transform, seed=args.seed)
    trainer = Trainer(
        vae,
        data.clips(training),
        data.clips(validation),
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
    if listener and not history:
        listener.learn(data.clips(training), data.label_ids[training], seed=args.seed)

    def report(figures: dict[str, float]) -> None:
        history.append(figures)
        if checkpoint:
            checkpoint.save(trainer, history)
        print(_line(figures), flush=True)

    trainer.run(report, done=len(history))
    metrics = finish(trainer, data, training, validation, args)
    if args.output:
        try:
            args.output.mkdir(parents=True, exist_ok=True)
            (args.output / "history.json").write_text(json.dumps(history, indent=2) + "\n")
            write_report(args.output, args.model_dir, history, metrics)
        except Exception as error:  # the model is in place, whatever is wrong here
            print(f"no report in {args.output}: {error}", flush=True)
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
    fitted = some(training, MOST_CLIPS, args.seed)
    means = trainer.posterior_means(data.clips(fitted))
    density = LabelMixtures.fit(means, data.label_ids[fitted], data.labels, args.seed)
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
    output = sagemaker_folder() / "output"
    if output.is_dir():
        (output / "failure").write_text(sentence)
    print(f"error: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
