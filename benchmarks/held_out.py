"""How good a model's sounds are against recordings that took no part in its training.

    python -m benchmarks.held_out --data recordings --takes 0-4 --seeds 0 1 2

keeps the takes 0 to 4 of each speaker and word (`seven_name_3.wav` is a third take) away from
training, trains on the others with default settings once for each seed, and measures WAV files of
the exported graph against them. Any other folder is tested on every tenth of its files:

    python -m benchmarks.held_out --data kicks

The judge of labels is a recogniser that was trained apart, on the same files as the model; that of
likeness to real sounds is trained on the spot. `--train` passes options on to train.py.
"""

import argparse
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.full_run import train
from benchmarks.measurement import Section
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.folder import is_sound, visible_files
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser
from sound_vae.quality.evaluation import evaluate, rebuilt
from sound_vae.quality.measures import balanced
from sound_vae.quality.modulation import modulation_distance, modulation_spectrum
from sound_vae.serving.served_model import ServedModel

SOUNDS = 1000
JUDGE_SEED = 1001  # the model's own listener and the run's own judge have others
SHOWN = {
    "modulation_db": "fine structure against real, dB",
    "told_apart": "told from real (0.5: cannot be)",
    "frechet_ratio": "Frechet distance over that of training clips",
    "accuracy": "heard as the label that was asked for",
    "diversity": "diversity over that of real sounds",
    "copies": "nearer to a training clip than 99 % of held-out ones",
}


def held_out(names: list[str], takes: range | None) -> set[str]:
    """Pick what is kept away from training."""
    if takes is None:
        return set(names[::10])
    ends = {name: re.search(r"_(\d+)\.\w+$", name) for name in names}
    return {name for name, end in ends.items() if end and int(end[1]) in takes}


def divide(data: Path, test: set[str], folder: Path) -> tuple[Path, Path]:
    """Link the files into a folder to train on and one to test on."""
    for name in filter(is_sound, visible_files(data)):
        link = folder / ("test" if name in test else "train") / name
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(data.resolve() / name, link) if _same_disk(data, folder) else link.write_bytes(
            (data / name).read_bytes()
        )
    return folder / "train", folder / "test"


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def measure(model: ServedModel, training: Path, test: Path) -> dict[str, dict[str, float]]:
    """Figures of the model's sounds, and of real sounds in its place; both against `test`."""
    transform = model.transform
    learnt, real = (
        read_dataset(folder, sample_rate=transform.sample_rate, clip_seconds=transform.seconds)
        for folder in (training, test)
    )
    judge = None
    if learnt.labels and len(learnt.labelled()) >= FEWEST_CLIPS:
        judge = Recogniser.train(learnt.labelled(), seed=JUDGE_SEED)
    figures = evaluate(model, learnt, real, sounds=SOUNDS, seed=7, recogniser=judge)
    reference = learnt.subset(balanced(learnt.label_ids, SOUNDS, 0))
    ours, theirs = (np.asarray(data.clips[np.arange(len(data))]) for data in (reference, real))
    spectrum = modulation_spectrum(theirs, transform)
    names = [model.labels[i] if model.labels else "" for i in _matched(real, SOUNDS)]
    made = model.sample(names, np.arange(len(names), dtype=np.int64) + 5_000_000).spectrograms()
    figures["modulation_db"] = modulation_distance(spectrum, modulation_spectrum(made, transform))
    copies = rebuilt(ours, transform)
    floors = {
        "modulation_db": modulation_distance(spectrum, modulation_spectrum(ours, transform)),
        "told_apart": figures["told_apart_rebuilt"],
        "frechet_ratio": 1.0,
        "diversity": 1.0,
        "copies": 0.01,
        "modulation_rebuilt": modulation_distance(spectrum, modulation_spectrum(copies, transform)),
    }
    if "real_accuracy" in figures:
        floors["accuracy"] = figures["real_accuracy"]
    return {"made": figures, "real": floors}


def _matched(real: Dataset, count: int) -> np.ndarray:
    """Label ids of `count` sounds, in the proportions of the real ones."""
    return np.resize(real.label_ids, max(count, len(real)))


def main() -> None:
    """Train for each seed, measure, print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    parser.add_argument("--takes", help="keep the files that end in _FROM.wav to _TO.wav: FROM-TO")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="for train.py")
    args = parser.parse_args()
    takes = None
    if args.takes:
        first, _, last = args.takes.partition("-")
        takes = range(int(first), int(last or first) + 1)
    names = [name for name in visible_files(args.data) if is_sound(name)]
    outcomes, minutes = [], []
    with tempfile.TemporaryDirectory(dir=args.data.resolve().parent) as folder:
        training, test = divide(args.data, held_out(names, takes), Path(folder))
        for seed in args.seeds:
            model_dir = Path(folder) / f"model-{seed}"
            started = time.perf_counter()
            train(training, model_dir, "--seed", str(seed), *args.train)
            minutes.append((time.perf_counter() - started) / 60)
            outcomes.append(measure(ServedModel.load(model_dir), training, test))
    rows = [
        (
            f"`{name}`: {words}",
            f"{np.mean([outcome['made'][name] for outcome in outcomes]):.3f}",
            f"{np.mean([outcome['real'][name] for outcome in outcomes]):.3f}",
        )
        for name, words in SHOWN.items()
        if name in outcomes[0]["made"]
    ]
    rows.append(("training to the end", f"{np.mean(minutes):.1f} minutes", ""))
    method = f"`python -m benchmarks.held_out`, mean of {len(args.seeds)} seeds."
    print(Section(args.data.name, method, rows, ("what", "made", "real")).to_markdown())


if __name__ == "__main__":
    main()
