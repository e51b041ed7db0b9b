"""Training speed: the default preset against the reference preset, in one process."""

import statistics
from collections.abc import Iterator

import numpy as np

from autoencoder import VAE, Architecture
from benchmarks.measurement import Row, Section
from training_loop import Schedule, Trainer

BATCH = 64
# frames x bins that each preset is made for: 1 s at 8 kHz, and 0.74 s at 22.05 kHz
SHAPES = {"default": (128, 128), "reference": (64, 256)}
STEPS = {"default": 40, "reference": 1}  # per epoch, so that an epoch of each takes seconds
EPOCHS = 4  # the first one traces and does not count


def _clips_per_second(preset: str) -> Iterator[float]:
    """One figure for each epoch."""
    frames, bins = SHAPES[preset]
    rng = np.random.default_rng(0)
    clips = rng.random((BATCH * STEPS[preset], frames, bins), dtype=np.float32)
    schedule = Schedule(
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=1e-4,
        warmup_epochs=0,
        steps_per_call=STEPS[preset],
        seed=0,
    )
    trainer = Trainer(VAE(Architecture(preset, frames, bins)), clips, clips[:2], schedule)
    figures: list[dict[str, float]] = []
    trainer.run(figures.append)
    yield from (f["samples_per_second"] for f in figures[1:])


def run() -> Section:
    """Clips per second of both presets."""
    speed = {preset: statistics.median(_clips_per_second(preset)) for preset in SHAPES}
    rows = [
        Row(
            "training, clips per second",
            f"{speed['default']:.0f}",
            f"{speed['reference']:.1f}",
            speed["default"] / speed["reference"],
        )
    ]
    method = (
        f"Median of {EPOCHS - 1} epochs with batch {BATCH} after one that traces the graph: preset "
        "`default` on clips of 128 frames x 128 bins (1 s at 8 kHz) against preset `reference` on "
        "clips of 64 x 256 (0.74 s at 22.05 kHz)."
    )
    return Section("Training", method, rows)
