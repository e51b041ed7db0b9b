"""Training speed: the default settings against the reference preset, in one process.

python -m benchmarks.training
"""

import statistics

import numpy as np

from benchmarks.measurement import Row, Section
from sound_vae.fit.trainer import Schedule, Trainer
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.listener import Listener
from sound_vae.model.recogniser import Recogniser
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform.choose(8000, 0.768)  # what the Free Spoken Digit Dataset gets: 96 x 128
LABELS = 10
BATCH, STEPS, STEPS_PER_CALL = 32, 40, 16
REFERENCE_BATCH, REFERENCE_FRAMES, REFERENCE_BINS = 64, 64, 256
TURNS = 3


def default_trainer(clips: int = BATCH * STEPS, *, listening: bool = True) -> Trainer:
    """Make a Trainer with default settings on noise."""
    values, ids = made_up_clips(clips, TRANSFORM.frames, TRANSFORM.bins)
    listener = None
    if listening:  # its speed does not hang on what it learnt
        listener = Listener(Recogniser.untrained(TRANSFORM, LABELS))
    return Trainer(
        VAE(Architecture("default", TRANSFORM.frames, TRANSFORM.bins)),
        values,
        values[:BATCH],
        _schedule(BATCH, STEPS_PER_CALL),
        labels=LABELS,
        label_ids=(ids, ids[:BATCH]),
        listener=listener,
    )


def reference_trainer() -> Trainer:
    """Make a Trainer of the reference preset, which takes one step of 64 clips a call."""
    values, _ = made_up_clips(REFERENCE_BATCH, REFERENCE_FRAMES, REFERENCE_BINS)
    vae = VAE(Architecture("reference", REFERENCE_FRAMES, REFERENCE_BINS))
    return Trainer(vae, values, values[:2], _schedule(REFERENCE_BATCH, 1))


def made_up_clips(count: int, frames: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Give noise (count, frames, bins) as float16 and label indices (count,)."""
    rng = np.random.default_rng(0)
    clips = np.empty((count, frames, bins), np.float16)
    for start in range(0, count, 256):  # no larger array at any time: its peak is measured
        part = clips[start : start + 256]
        part[:] = rng.random(part.shape, dtype=np.float32)
    return clips, rng.integers(LABELS, size=count)


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


def run() -> Section:
    """Clips per second of all three, an epoch of each in turns."""
    trainers = [default_trainer(), default_trainer(listening=False), reference_trainer()]
    for trainer in trainers:
        epoch_speed(trainer)  # traces the graph
    turns = [[epoch_speed(trainer) for trainer in trainers] for _ in range(TURNS)]
    ours, deaf, reference = (statistics.median(speeds) for speeds in zip(*turns, strict=True))
    per_clip = trainers[0].values / trainers[2].values
    rows = [
        Row("default settings", f"{ours:.0f}", f"{reference:.1f}", ours / reference),
        Row("the same without the listener", f"{deaf:.0f}", f"{reference:.1f}", deaf / reference),
    ]
    method = (
        f"Clips per second, the median of {TURNS} epochs taken in turns, after one each that "
        f"traces the graph. Ours: batch {BATCH}, {STEPS_PER_CALL} steps a call, clips of "
        f"{TRANSFORM.frames} frames x {TRANSFORM.bins} bins, {TRANSFORM.seconds:.2f} s at 8 kHz. "
        f"Baseline: the `reference` preset (five 2-D convolutions of 512 to 32 filters), batch "
        f"{REFERENCE_BATCH}, one step a call, clips of {REFERENCE_FRAMES} frames x "
        f"{REFERENCE_BINS} bins, 0.74 s at 22.05 kHz. Both go through the same loop and optimizer."
    )
    remarks = (
        f"A clip has {trainers[0].values:,} values here and {trainers[2].values:,} there; counted "
        f"by spectrogram values and not by clips, the first ratio is "
        f"{ours / reference * per_clip:.0f} x."
    )
    return Section("Training", method, rows, remarks=remarks)


if __name__ == "__main__":
    print(run().to_markdown())
