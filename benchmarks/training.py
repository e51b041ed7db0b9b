"""Training speed: the default settings against the reference preset, in one process.

python -m benchmarks.training
"""

import statistics

import numpy as np
import tensorflow as tf

from benchmarks.graph_cost import count
from benchmarks.measurement import Row, Section
from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.fit.arguments import defaults
from sound_vae.fit.schedule import Schedule
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.listener import Listener
from sound_vae.model.recogniser import Recogniser
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.768)  # what the Free Spoken Digit Dataset gets: 96 x 128
LABELS = 10
BATCH, STEPS, STEPS_PER_CALL = 32, 40, 16
REFERENCE_BATCH = 64
REFERENCE = Transform(22_050, clip_samples=64 * 256, n_fft=512, hop_length=256)  # 64 x 256
TURNS = 3


def default_trainer(
    clips: int = BATCH * STEPS,
    *,
    listening: bool = True,
    batch: int = BATCH,
    cluster: Cluster | None = None,
) -> Trainer:
    """Make a Trainer with default settings on noise."""
    data = made_up_clips(clips, TRANSFORM)
    cluster, listener = cluster or Cluster(), None
    with cluster.strategy.scope():
        vae = VAE(Architecture("default", TRANSFORM.frames, TRANSFORM.bins))
        if listening:  # what it learnt does not change its speed
            listener = Listener(Recogniser.untrained(TRANSFORM, LABELS))
    return Trainer(
        vae,
        data,
        data.subset(np.arange(min(batch, BATCH))),
        _schedule(batch, STEPS_PER_CALL),
        listener=listener,
        cluster=cluster,
    )


def reference_trainer() -> Trainer:
    """Make a Trainer of the reference preset, which takes one step of 64 clips a call."""
    data = made_up_clips(REFERENCE_BATCH, REFERENCE)
    vae = VAE(Architecture("reference", REFERENCE.frames, REFERENCE.bins))
    return Trainer(vae, data, data.subset(np.arange(2)), _schedule(REFERENCE_BATCH, 1))


def made_up_clips(count: int, transform: Transform) -> Dataset:
    """Give noise with random labels."""
    rng = np.random.default_rng(0)
    clips = np.empty((count, transform.frames, transform.bins), np.float16)
    for start in range(0, count, 256):  # no larger array at any time: its peak is measured
        part = clips[start : start + 256]
        part[:] = rng.random(part.shape, dtype=np.float32)
    labels = [f"label {number}" for number in range(LABELS)]
    return Dataset.of(clips, transform, rng.integers(LABELS, size=count), labels)


def _schedule(batch: int, steps_per_call: int) -> Schedule:
    return Schedule(
        epochs=1,
        batch_size=batch,
        learning_rate=1e-4,
        warmup_epochs=0,
        steps_per_call=steps_per_call,
        seed=0,
    )


def epoch_speed(trainer: Trainer) -> float:
    """Clips per second of one more epoch."""
    figures: list[dict[str, float]] = []
    trainer.run(figures.append)
    return figures[0]["samples_per_second"]


def step_flops(trainer: Trainer) -> float:
    """Count one optimizer step: forwards, backwards, listener and optimizer."""
    batch = (
        tf.zeros([trainer.batch_size, *trainer.training.clips.shape[1:]], tf.float16),
        tf.zeros([trainer.batch_size], tf.int32),
        tf.constant(1.0),
    )
    return count(tf.function(trainer._step).get_concrete_function(*batch).graph)


def run() -> Section:
    """Measure clips per second of all three, an epoch of each in turns."""
    trainers = [default_trainer(), default_trainer(listening=False), reference_trainer()]
    for trainer in trainers:
        epoch_speed(trainer)  # traces the graph
    turns = [[epoch_speed(trainer) for trainer in trainers] for _ in range(TURNS)]
    ours, unlistening, reference = (
        statistics.median(speeds) for speeds in zip(*turns, strict=True)
    )
    per_clip = trainers[0].values_per_clip / trainers[2].values_per_clip
    rows = [
        Row("default settings", f"{ours:.0f}", f"{reference:.1f}", ours / reference),
        Row(
            "the same without the listener",
            f"{unlistening:.0f}",
            f"{reference:.1f}",
            unlistening / reference,
        ),
    ]
    method = (
        f"Clips per second, the median of {TURNS} epochs taken in turns, after one each that "
        f"traces the graph. Ours: batch {BATCH}, {STEPS_PER_CALL} steps a call, clips of "
        f"{TRANSFORM.frames} frames x {TRANSFORM.bins} bins, {TRANSFORM.seconds:.2f} s at 8 kHz. "
        f"Baseline: the `reference` preset (five 2-D convolutions of 512 to 32 filters), batch "
        f"{REFERENCE_BATCH}, one step a call, clips of {REFERENCE.frames} frames x "
        f"{REFERENCE.bins} bins, 0.74 s at 22.05 kHz. Both go through the same loop and optimizer."
    )
    steps = defaults("standard")["epochs"] * (2_700 // BATCH)
    milliseconds = 1000 * BATCH / ours
    remarks = (
        f"With default settings a step of {BATCH} clips needs {step_flops(trainers[0]) / 1e9:.2f} "
        "billion floating-point operations, counted in the graph (forwards, backwards, listener, "
        f"optimizer), and took {milliseconds:.1f} ms here; a run on 2,700 clips has {steps:,} such "
        "steps. No GPU was at hand: what a step takes on one is among the metrics of its job, as "
        "`seconds_per_step`.\n\n"
        f"A clip has {trainers[0].values_per_clip:,} values here and "
        f"{trainers[2].values_per_clip:,} there; counted "
        f"by spectrogram values and not by clips, the first ratio is "
        f"{ours / reference * per_clip:.0f} x."
    )
    return Section("Training", method, rows, remarks=remarks)


if __name__ == "__main__":
    print(run().to_markdown())
