"""Train the sound VAE and write the folder that the endpoint serves.

On this machine:

    python training/train.py --data recordings --model-dir model --epochs 20

With `--checkpoint-dir` a run that was cut short goes on where it was when it is started again.

On several machines, which TF_CONFIG names, each runs it with its share of the sounds in the data
folder; the first one writes the model and says what becomes of the run.

On SageMaker it is the entry point of the training job: folders come from SM_CHANNEL_DATA and
SM_MODEL_DIR, hyperparameters as `--name value`. hyperparameters.json lists them all.
"""

import argparse
import contextlib
import json
import os
import select
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news

import keras

from sound_vae.cluster import LOST, Cluster
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.report import DataError
from sound_vae.fit.arguments import hyperparameters, parse, sagemaker_folder
from sound_vae.fit.checkpoint import Checkpoint, History, fingerprint
from sound_vae.fit.excite import learn_exciter
from sound_vae.fit.gathering import gathered
from sound_vae.fit.monitor import Monitor
from sound_vae.fit.schedule import LEAST_STEPS, Schedule, choose_pace
from sound_vae.fit.trainer import Trainer, TrainingFailed
from sound_vae.fit.warm_start import check_labels, how_to_read, model_to_start_from
from sound_vae.log import figures_line, sentence
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.coding import posterior_means, residual
from sound_vae.model.density import LabelMixtures
from sound_vae.model.listener import Listener
from sound_vae.model.neighbourhoods import Coded, choose_density
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.compare_served import Comparison, NewModel, compare_served
from sound_vae.quality.contrast import fitting_contrast
from sound_vae.quality.evaluation import evaluate, train_recogniser
from sound_vae.quality.latent_map import write_map
from sound_vae.quality.rendering import compare_renderings
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.run_report import write_run_report
from sound_vae.quality.summary import write_summary
from sound_vae.serving.description import Description
from sound_vae.serving.export import export, publish, round_weights, unfinished_folder
from sound_vae.serving.served_model import ServedModel
from sound_vae.serving.sound_generator import AUDIBLE_VALUE, SoundGenerator

# no epoch depends on these; what the quality decides about epochs has names of its own
AFTER_TRAINING = (
    "quality",
    "temperature",
    "texture",
    "vocoder",
    "griffin_lim_iterations",
    "evaluation_sounds",
)
MOST_CLIPS = 50_000  # that the density is fitted to; it has at most 128 Gaussians a label
STOPPED = 128 + signal.SIGTERM


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Folders and hyperparameters."""
    return parse(argv, __doc__ or "")


def train(args: argparse.Namespace, cluster: Cluster | None = None) -> dict[str, float]:
    """Go from the data folder to the model folder; gives the figures of the finished model.

    On another machine than the chief there are none.
    """
    cluster = cluster or Cluster()
    started = time.monotonic()
    keras.utils.set_random_seed(args.seed)
    with cluster.together():
        start = model_to_start_from(args.start_from) if args.start_from else None
        data = read(args, start, cluster)
        training, validation = data.split(args.validation_split)
        trainer = prepare(args, training, validation, start, cluster)
        try:
            if cluster.is_chief:
                shutil.rmtree(unfinished_folder(args.model_dir, trainer.vae.count_params()))
        except OSError as error:  # better now than when all is learnt
            raise _no_room(args.model_dir, error) from error
    history = learn(args, trainer, data)
    exciter = learn_excitation(args, trainer)
    data, trainer, exciter = alone(args, data, trainer, exciter)
    if not cluster.is_chief:
        return {}
    try:
        outcome = finish(args, trainer, exciter)
    except OSError as error:
        raise _no_room(args.model_dir, error) from error
    write_reports(args, data, trainer, history, outcome, started)
    return outcome.metrics


def read(args: argparse.Namespace, start: ServedModel | None, cluster: Cluster) -> Dataset:
    """Read the sounds, as the model to start from hears them; say what became of every file."""
    chosen = how_to_read(args, start)
    print(sentence(f"reading {args.data}"), flush=True)
    data = read_dataset(
        args.data,
        trim_db=args.trim_db,
        cut_long=args.cut_long,
        exchange=cluster.exchange,
        **chosen,
    )
    print(data.report)
    if start:
        check_labels(data, start)
    return data


def prepare(
    args: argparse.Namespace,
    training: Dataset,
    validation: Dataset,
    start: ServedModel | None,
    cluster: Cluster,
) -> Trainer:
    """Make the networks, or take those to start from, and what trains them."""
    transform = training.transform
    with cluster.strategy.scope():
        vae = VAE(start.description.architecture if start else _architecture(args, transform))
    if start:
        vae.set_weights(start.vae.get_weights())
        print(sentence(f"going on from the model in {start.name}"))
    clips, held_back = map(
        sum, zip(*cluster.exchange([len(training), len(validation)]), strict=True)
    )
    print(
        f"{transform.sample_rate} Hz, {transform.seconds:.2f} s a clip, "
        f"{transform.frames} frames x {transform.bins} bins\n"
        f"{clips} clips to train on, {held_back} to validate; "
        f"preset {vae.architecture.preset}, {vae.count_params():,} parameters",
        flush=True,
    )
    listener = None
    if args.perceptual and training.labels:
        listener = Listener.untrained(training, seed=args.seed, cluster=cluster)
    pace = choose_pace(clips, cluster.replicas, args.batch_size)
    schedule = Schedule(
        epochs=args.epochs,
        batch_size=pace.batch_size,
        learning_rate=args.learning_rate * pace.faster,
        warmup_epochs=args.warmup_epochs,
        steps_per_call=args.steps_per_call,
        seed=args.seed,
        kl_weight=args.kl_weight,
        least_steps=LEAST_STEPS,
        warm_start=start is not None,
    )
    trainer = Trainer(vae, training, validation, schedule, listener=listener, cluster=cluster)
    epochs = f"{args.epochs} epoch{'s' * (args.epochs != 1)}"
    print(f"{epochs} of {trainer.steps} steps with {trainer.batch_size} clips each", flush=True)
    if cluster.replicas > 1:
        print(
            f"{cluster.workers} machines with {cluster.local_replicas} devices each, which take "
            f"{trainer.share // cluster.local_replicas} of these clips; learning rate "
            f"{schedule.learning_rate:g}",
            flush=True,
        )
    return trainer


def _architecture(args: argparse.Namespace, transform: Transform) -> Architecture:
    try:
        return Architecture(
            args.preset, transform.frames, transform.bins, args.latent_dim or 0, args.channels
        )
    except ValueError as error:
        raise DataError(str(error)) from error


def learn(args: argparse.Namespace, trainer: Trainer, data: Dataset) -> History:
    """Train all epochs, or those that a checkpoint lacks; gives the figures of each."""
    cluster, checkpoint = trainer.cluster, None
    if args.checkpoint_dir:
        settings = {n: getattr(args, n) for n in hyperparameters() if n not in AFTER_TRAINING}
        begun = trainer.vae.get_weights() if args.start_from else []
        mark = fingerprint(settings, data, begun, cluster.exchange)
        checkpoint = Checkpoint(args.checkpoint_dir, mark)
    history = checkpoint.restore(trainer) if checkpoint else []
    if trainer.listener and not history:
        trainer.listener.learn(trainer.training, seed=args.seed, cluster=cluster)
    monitor = None
    if args.tensorboard_dir and cluster.is_chief:
        monitor = Monitor(
            args.tensorboard_dir,
            trainer,
            history,
            iterations=args.griffin_lim_iterations,
            trim_db=args.trim_db,
        )

    def after_epoch(figures: dict[str, float]) -> None:
        history.append(figures)
        if checkpoint and cluster.is_chief:
            checkpoint.save(trainer, history)
        print(figures_line(figures), flush=True)
        if monitor:
            monitor.after_epoch(figures)

    trainer.run(after_epoch, done=len(history))
    return history


def learn_excitation(args: argparse.Namespace, trainer: Trainer) -> keras.Model | None:
    """Round the weights that were learnt, and learn from them what a vocoder is told by."""
    round_weights(trainer.vae)
    if args.vocoder is False:
        return None
    exciter = learn_exciter(
        trainer.vae,
        trainer.training,
        most_steps=args.epochs * trainer.steps,
        seed=args.seed,
        cluster=trainer.cluster,
    )
    round_weights(exciter)
    return exciter


def alone(
    args: argparse.Namespace, data: Dataset, trainer: Trainer, exciter: keras.Model | None
) -> tuple[Dataset, Trainer, keras.Model | None]:
    """Let the chief go on by itself, with what was learnt and clips of all machines."""
    cluster = trainer.cluster
    if cluster.replicas == 1:
        return data, trainer, exciter
    training, validation = (
        gathered(cluster, clips, MOST_CLIPS, args.seed)
        for clips in (trainer.training, trainer.validation)
    )
    vae = VAE(trainer.vae.architecture)
    vae.set_weights(trainer.vae.get_weights())
    listener = trainer.listener
    if listener:
        heard = listener.recogniser
        listener = Listener(Recogniser(_of_no_strategy(heard.network), heard.transform))
    single = Trainer(vae, training, validation, trainer.schedule, listener=listener)
    # of several machines the chief knows none but those that were gathered
    known = data if cluster.workers == 1 else training
    return known, single, exciter and _of_no_strategy(exciter)


def _of_no_strategy(model: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


class Outcome(NamedTuple):
    """What a finished model is like, and what it was measured with."""

    metrics: dict[str, float]
    comparison: Comparison | None = None
    recogniser: Recogniser | None = None


def finish(args: argparse.Namespace, trainer: Trainer, exciter: keras.Model | None) -> Outcome:
    """Export what was learned, measure it, and only then let it be seen in the model folder."""
    unfinished = unfinished_folder(args.model_dir, trainer.vae.count_params())
    metrics = write_model(args, trainer, exciter, unfinished)
    print(figures_line(metrics), flush=True)
    model = ServedModel.load(unfinished)
    recogniser = None
    if args.evaluation_sounds:
        recogniser = train_recogniser(trainer.training, args.seed)
        metrics |= listen(args, trainer, model, recogniser)
    comparison = None
    if args.served:
        comparison = compare(args, trainer, model, recogniser)
        if "val_loss" in comparison.figures:  # of the common ground, which is smaller
            metrics["full_val_loss"] = metrics["val_loss"]
        metrics |= {"comparable": float(comparison.comparable), **comparison.figures}
        shown = ("val_loss", "comparable", *comparison.figures)
        print(figures_line({name: metrics[name] for name in shown}), flush=True)
    (unfinished / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    publish(unfinished, args.model_dir)
    print(sentence(f"model written to {args.model_dir}"), flush=True)
    return Outcome(metrics, comparison, recogniser)


def write_model(
    args: argparse.Namespace, trainer: Trainer, exciter: keras.Model | None, folder: Path
) -> dict[str, float]:
    """Fit the density to what the weights give, and export all, with a map."""
    vae, training = trainer.vae, trainer.training
    metrics = trainer.evaluate()
    fitted = training.subsample(MOST_CLIPS, args.seed)
    means = posterior_means(vae, fitted)
    density = choose_density(
        Coded(means, fitted.label_ids),
        Coded(posterior_means(vae, trainer.validation), trainer.validation.label_ids),
        fitted.labels,
        temperature=args.temperature,
        seed=args.seed,
    )
    texture = 0.0
    if args.texture:
        texture = args.texture * residual(vae, trainer.validation, AUDIBLE_VALUE)
    description = Description(
        vae.architecture,
        training.transform,
        training.labels,
        args.temperature,
        texture,
        args.trim_db,
    )
    if exciter:

        def generator_with(contrast: float) -> SoundGenerator:
            described = replace(description, contrast=contrast)
            return SoundGenerator(vae, density, described, args.griffin_lim_iterations, exciter)

        contrast = fitting_contrast(generator_with, fitted, means, seed=args.seed)
        description = replace(description, contrast=contrast)
    export(
        folder,
        vae,
        density,
        description,
        griffin_lim_iterations=args.griffin_lim_iterations,
        exciter=exciter and exciter_if_better(args, trainer, exciter, density, description),
    )
    write_map(folder, means, fitted, args.seed)
    return metrics


def exciter_if_better(
    args: argparse.Namespace,
    trainer: Trainer,
    exciter: keras.Model,
    density: LabelMixtures,
    description: Description,
) -> keras.Model | None:
    """Keep the exciter where it is asked for, or where sounds are nearer to real ones with it."""
    if args.vocoder:
        return exciter
    with_vocoder, without = (
        SoundGenerator(trainer.vae, density, description, args.griffin_lim_iterations, chosen)
        for chosen in (exciter, None)
    )
    rendering = compare_renderings(
        with_vocoder, without, trainer.training, args.temperature, seed=args.seed
    )
    print(rendering, flush=True)
    return exciter if rendering.vocoder_is_nearer else None


def listen(
    args: argparse.Namespace, trainer: Trainer, model: ServedModel, recogniser: Recogniser | None
) -> dict[str, float]:
    """Measure how good the sounds are that callers will get."""
    figures = evaluate(
        model,
        trainer.training,
        trainer.validation,
        sounds=args.evaluation_sounds,
        seed=args.seed,
        recogniser=recogniser,
    )
    clips = len(trainer.training)
    if clips < FEWEST_CLIPS:
        given = "only some figures" if figures else "no figure"
        print(f"{clips} clips to learn from are too few to measure all by: {given}", flush=True)
    if figures:
        print(figures_line(figures), flush=True)
    return figures


def compare(
    args: argparse.Namespace, trainer: Trainer, model: ServedModel, recogniser: Recogniser | None
) -> Comparison:
    """Measure the served model and the new one on what both can do."""
    new = NewModel(
        model, trainer, args.data, args.trim_db, recogniser, args.evaluation_sounds, args.seed
    )
    comparison = compare_served(args.served, new)
    print(comparison, flush=True)
    return comparison


def write_reports(
    args: argparse.Namespace,
    data: Dataset,
    trainer: Trainer,
    history: History,
    outcome: Outcome,
    started: float,
) -> None:
    """Say what came of the run; whatever is wrong with that, the model is in place."""
    metrics, comparison, recogniser = outcome
    if args.output:
        try:
            args.output.mkdir(parents=True, exist_ok=True)
            (args.output / "history.json").write_text(json.dumps(history, indent=2) + "\n")
            run = Run(
                args,
                data,
                trainer.training,
                trainer.validation,
                ServedModel.load(args.model_dir),
                history,
                metrics,
                comparison,
                recogniser,
                time.monotonic() - started,
            )
            write_run_report(args.output, run)
        except Exception as error:
            print(sentence(f"no report in {args.output}: {error}"), flush=True)
    if args.checkpoint_dir:
        try:
            write_summary(args.checkpoint_dir, metrics, comparison, data)
        except Exception as error:
            print(sentence(f"no summary in {args.checkpoint_dir}: {error}"), flush=True)


def _no_room(folder: Path, error: OSError) -> TrainingFailed:
    reason = error.strerror or str(error)
    return TrainingFailed(f"the model cannot be written to {folder}: {reason}")


def main(argv: list[str] | None = None) -> int:
    """Run, and give the exit code; a mistake that a user can mend becomes one sentence."""
    args = parse_args(argv)
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _stop) if in_main_thread else None
    cluster = Cluster.join()
    try:
        with cluster.quiet():
            train(args, cluster)
    except (DataError, TrainingFailed) as error:
        _write_failure(sentence(str(error)))
        return 1
    except LOST as error:
        if cluster.workers == 1:
            raise
        print(sentence(error.message), file=sys.stderr, flush=True)
        _write_failure("a machine of the cluster was lost; what it had learnt is in the checkpoint")
        return 1
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """End at once: what is on the disk is whole at any moment, and lacks one epoch at most.

    Neither print nor a write that waits: whoever reads the log may have stopped reading, and the
    signal may have come in the middle of another print.
    """
    with contextlib.suppress(OSError, ValueError):
        log = sys.stdout.fileno()
        if select.select([], [log], [], 0)[1]:  # there is room for this line
            os.write(log, b"stopped; the epochs that were finished are in the checkpoint\n")
    os._exit(STOPPED)


def _write_failure(reason: str) -> None:
    """SageMaker shows the failure file's text as the job's FailureReason."""
    output = sagemaker_folder() / "output"
    if output.is_dir():
        (output / "failure").write_text(reason, encoding="utf-8")
    print(f"error: {reason}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
