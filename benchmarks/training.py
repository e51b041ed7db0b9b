"""Training speed: the default settings against the reference preset, in one process."""

import statistics

import numpy as np

from autoencoder import VAE, Architecture
from benchmarks.measurement import Row, Section
from perceptual import Listener
from spectrogram import Transform
from training_loop import Schedule, Trainer

LABELS = 10
EPOCHS = 4  # the first one traces the graph and does not count


def default_speed() -> float:
    """Clips per second of the default preset with its listener, on clips of 0.77 s at 8 kHz."""
    transform = Transform.choose(8000, 0.768)
    frames, bins, batch, steps = transform.frames, transform.bins, 32, 40
    clips, ids = _clips(batch * steps, frames, bins)
    listener = Listener.train(clips, ids, transform)
    trainer = Trainer(
        VAE(Architecture("default", frames, bins)),
        clips,
        clips[:2],
        _schedule(batch, steps),
        labels=LABELS,
        label_ids=(ids, ids[:2]),
        listener=listener,
    )
    return _median_speed(trainer)


def reference_speed() -> float:
    """Clips per second of the reference preset, on clips of 0.74 s at 22.05 kHz."""
    frames, bins, batch = 64, 256, 64
    clips, _ = _clips(batch, frames, bins)
    vae = VAE(Architecture("reference", frames, bins))
    return _median_speed(Trainer(vae, clips, clips[:2], _schedule(batch, 1)))


def _clips(count: int, frames: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clips = rng.random((count, frames, bins), dtype=np.float32)
    return clips, rng.integers(LABELS, size=count)


def _schedule(batch: int, steps: int) -> Schedule:
    return Schedule(
        epochs=EPOCHS,
        batch_size=batch,
        learning_rate=1e-4,
        warmup_epochs=0,
        steps_per_call=min(steps, 16),
        seed=0,
    )


def _median_speed(trainer: Trainer) -> float:
    figures: list[dict[str, float]] = []
    trainer.run(figures.append)
    return statistics.median(f["samples_per_second"] for f in figures[1:])


def run() -> Section:
    """Clips per second of both."""
    ours, reference = default_speed(), reference_speed()
    row = Row("training, clips per second", f"{ours:.0f}", f"{reference:.1f}", ours / reference)
    method = (
        f"Median of {EPOCHS - 1} epochs after one that traces the graph: the default settings "
        "(batch 32, listener included) on clips of 96 frames x 128 bins, 0.77 s at 8 kHz, against "
        "the `reference` preset (batch 64) on clips of 64 frames x 256 bins, 0.74 s at 22.05 kHz."
    )
    return Section("Training", method, [row])
