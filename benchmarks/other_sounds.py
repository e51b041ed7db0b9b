"""The default training run on two kinds of sound that are not speech.

    python -m benchmarks.other_sounds

makes the sounds, trains on each kind to the end, and writes docs/other_sounds.md with the figures
and docs/other-sounds.png with real and generated sounds. On 2 cores it takes some twelve minutes.
"""

import argparse
import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import ROOT
from benchmarks.full_run import train
from benchmarks.made_up_sounds import HITS, write_hits, write_notes
from benchmarks.measurement import Section, machine
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.served_model import ServedModel

COLUMNS = 8  # sounds of each kind in the picture
FIGURES = (
    *("accuracy", "frechet_ratio", "diversity", "nearest", "copies", "reconstruction_db"),
    *("modulation_db", "told_apart"),
)
KINDS = {"hits": write_hits, "notes": write_notes}
INTRODUCTION = f"""\
# Sounds that are not speech

`python -m benchmarks.other_sounds` makes two kinds of sound and trains on each with default
settings; nothing is told about them but the folder.

- **hits**: drum hits ({", ".join(HITS)}) of 0.25 to 0.5 s at 22.05 kHz, in a sub-folder for each.
- **notes**: held notes of a chromatic scale over three octaves, 0.8 to 1.4 s at 44.1 kHz, with
  harmonics, vibrato and breath, in one folder and without labels."""


@dataclass(frozen=True)
class Outcome:
    """What the run on one kind of sound gave."""

    figures: dict[str, float]
    seconds: float
    labels: list[str]
    transform: Transform
    clips: int
    real: np.ndarray  # (COLUMNS, frames, bins)
    generated: np.ndarray  # the same


def train_on(kind: str, folder: Path, options: tuple[str, ...] = ()) -> Outcome:
    """Make the sounds, train, and draw new ones."""
    data_dir, model_dir = folder / kind, folder / f"{kind}-model"
    KINDS[kind](data_dir)
    figures, seconds, _ = train(data_dir, model_dir, *options)
    data = read_dataset(data_dir)
    return Outcome(
        figures,
        seconds,
        data.labels,
        data.transform,
        len(data.names),
        _subsample(data),
        generated(ServedModel.load(model_dir)),
    )


def _subsample(data: Dataset) -> np.ndarray:
    """Pick real clips, cycling through the labels."""
    rng = np.random.default_rng(0)
    turns = [i % max(len(data.labels), 1) for i in range(COLUMNS)]
    pools = [np.flatnonzero(data.label_ids == (i if data.labels else -1)) for i in turns]
    return np.stack([data.clips[rng.choice(pool)] for pool in pools]).astype(np.float32)


def generated(model: ServedModel) -> np.ndarray:
    """Make new sounds as callers get them, cycling through the labels; return spectrograms."""
    labels = model.labels or [""]
    turns = [labels[i % len(labels)] for i in range(COLUMNS)]
    return model.sample(turns, range(COLUMNS)).spectrograms().astype(np.float32)


def draw(outcomes: dict[str, Outcome], picture: Path) -> None:
    """Draw real above generated, kind by kind, all on the scale that the model learns."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(1.7 * COLUMNS, 3.6 * len(outcomes)), layout="constrained")
    parts = figure.subfigures(len(outcomes), 1, squeeze=False)[:, 0]
    for part, (kind, outcome) in zip(parts, outcomes.items(), strict=True):
        axes = part.subplots(2, COLUMNS, sharex=True, sharey=True)
        extent = (0, outcome.transform.seconds, 0, outcome.transform.sample_rate / 2000)
        for row, (name, sounds) in enumerate(
            (("real", outcome.real), ("generated", outcome.generated))
        ):
            for column, values in enumerate(sounds):
                axes[row, column].imshow(
                    values.T, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=1
                )
            axes[row, 0].set_ylabel(f"{name}\nkHz")
        for column, axis in enumerate(axes[0]):
            axis.set_title(outcome.labels[column % len(outcome.labels)] if outcome.labels else "")
        part.suptitle(f"{kind}, {outcome.transform.sample_rate} Hz")
        part.supxlabel("Time (s)")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=80)
    plt.close(figure)


def section(outcomes: dict[str, Outcome]) -> Section:
    """Return the table: what was chosen and what came out, a column for each kind."""
    from sound_vae.quality.evaluation import FIGURES as MEANINGS

    transforms = [o.transform for o in outcomes.values()]
    rows = [
        ("clips", *(f"{o.clips}" for o in outcomes.values())),
        ("labels", *(f"{len(o.labels) or 'none'}" for o in outcomes.values())),
        ("rate", *(f"{t.sample_rate} Hz" for t in transforms)),
        ("length", *(f"{t.seconds:.2f} s" for t in transforms)),
        ("window and hop", *(f"{t.n_fft} and {t.hop_length} samples" for t in transforms)),
        ("spectrogram", *(f"{t.frames} frames x {t.bins} bins" for t in transforms)),
        ("time of the run", *(f"{o.seconds / 60:.1f} minutes" for o in outcomes.values())),
    ]
    for name in FIGURES:
        values = (o.figures.get(name) for o in outcomes.values())
        cells = ("" if value is None else f"{value:.3g}" for value in values)
        rows.append((f"`{name}`: {MEANINGS[name]}", *cells))
    method = (
        "Rate, length and transform are chosen from the data. What the figures mean stands in "
        "[evaluation.py](../training/sound_vae/quality/evaluation.py); with labels they are what a "
        "recogniser hears, without they are statistics of cepstra."
    )
    remarks = (
        "![Spectrograms of real and of generated sounds](other-sounds.png)\n\n"
        "What to look and listen for: hits are made by a vocoder, which has their grain, and bells "
        "with more than one pitch less purely than they were; notes are made with reconstructed "
        "phases, and lack the lines above some kHz, most of all those between two pitches that "
        "were learnt."
    )
    return Section("What came out", method, rows, ("", *outcomes), remarks)


def main() -> None:
    """Train on both kinds and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "other_sounds.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = {kind: train_on(kind, Path(folder)) for kind in KINDS}
    draw(outcomes, args.output.with_name("other-sounds.png"))
    measured = f"Measured on {datetime.date.today().isoformat()}: {machine()}."
    page = [INTRODUCTION, measured, section(outcomes).to_markdown()]
    args.output.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"written to {args.output}")


if __name__ == "__main__":
    main()
