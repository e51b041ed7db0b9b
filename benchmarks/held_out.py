"""How good a model's sounds are against recordings that took no part in its training.

    python -m benchmarks.held_out --data recordings --takes 0-4 --seeds 0 1 2

keeps the takes 0 to 4 of each speaker and word (`seven_name_3.wav` is take 3) away from training,
trains on the others with default settings, once for each seed, and measures WAV files of the
exported graph against what was kept away. Without --takes a tenth of each label is, other files
for each seed:

    python -m benchmarks.held_out --data kicks --train --epochs 100

The recogniser of labels was trained apart from the model, on the same files as it.
"""

import argparse
import random
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.full_run import train
from benchmarks.measurement import Section
from sound_vae.data.dataset import read_dataset
from sound_vae.data.folder import is_sound, label_of, visible_files
from sound_vae.data.report import DataError
from sound_vae.model.coding import posterior_means
from sound_vae.quality.evaluation import evaluate, train_recogniser
from sound_vae.quality.pattern import sticks_out
from sound_vae.serving.served_model import BATCH, ServedModel

RECOGNISER_SEED = 1001  # the model's listener and the run's own recogniser have others
REAL = {  # what real sounds get
    "modulation_db": "modulation_floor",
    "told_apart": "told_apart_floor",
    "frechet_ratio": 1.0,
    "accuracy": "real_accuracy",
    "diversity": 1.0,
    "copies": 0.01,
    "sticks_out_db": "sticks_out_floor",
}
MOST_CODED = 300  # clips whose mean, coded and decoded, is compared with their own


def kept_away(names: list[str], takes: str | None, seed: int) -> set[str]:
    """Choose the files that are not trained on: takes "FROM-TO", or a random tenth of each label.

    Not every tenth file: names are in the order of pitches or loudnesses, and of two of their sets
    that go up in equal steps the Frechet distance is far below that of two which chance has drawn,
    as it draws what a model makes. Raises ValueError when these are none or all, or `takes` is
    written otherwise.
    """
    if takes is None:
        of_labels: dict[str | None, list[str]] = {}
        for name in random.Random(seed).sample(names, len(names)):
            of_labels.setdefault(label_of(name), []).append(name)
        chosen = {name for group in of_labels.values() for name in group[: round(len(group) / 10)]}
    else:
        if not re.fullmatch(r"\d+(-\d+)?", takes):
            raise ValueError(f"--takes is {takes!r}: it must be FROM-TO, such as 0-4")
        first, _, last = takes.partition("-")
        wanted = range(int(first), int(last or first) + 1)
        ends = {name: re.search(r"_(\d+)\.\w+$", name) for name in names}
        chosen = {name for name, end in ends.items() if end and int(end[1]) in wanted}
    if not 0 < len(chosen) < len(names):
        raise ValueError(f"{len(chosen)} of {len(names)} sounds would be kept away from training")
    return chosen


def divide(data: Path, away: set[str], names: list[str], folder: Path) -> tuple[Path, Path]:
    """Copy the sounds into a folder to train on and one to measure against."""
    parts = folder / "train", folder / "test"
    for name in names:
        copy = parts[name in away] / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / name, copy)
    return parts


def measure(model: ServedModel, training: Path, test: Path) -> dict[str, float]:
    """Figures of the model's sounds against those of `test`."""
    transform = model.transform
    learnt, real = (read_dataset(folder, **transform.how_to_read()) for folder in (training, test))
    recogniser = train_recogniser(learnt, RECOGNISER_SEED)
    figures = evaluate(
        model, learnt, real, seed=RECOGNISER_SEED, recogniser=recogniser, against=real
    )
    coded = learnt.subsample(MOST_CODED, RECOGNISER_SEED)
    recorded = coded.clips[np.arange(len(coded))]
    parts = np.array_split(posterior_means(model.vae, coded), -(-len(coded) // BATCH))
    decoded = np.concatenate([model.vae.decode(tf.constant(z)).numpy() for z in parts])
    halves = np.array_split(np.random.default_rng(RECOGNISER_SEED).permutation(len(coded)), 2)
    one, other = (recorded[half[: len(coded) // 2]] for half in halves)
    figures["sticks_out_db"] = sticks_out(decoded, recorded, model.transform)
    figures["sticks_out_floor"] = sticks_out(one, other, model.transform)
    return figures


def main() -> None:
    """Train and measure once for each seed, and print the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    parser.add_argument("--takes", help="FROM-TO: keep files that end in these numbers away")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="for train.py")
    args = parser.parse_args()
    try:
        names = sorted(name for name in visible_files(args.data)[0] if is_sound(name))
        away = {seed: kept_away(names, args.takes, seed) for seed in args.seeds}
    except (DataError, ValueError) as error:
        parser.error(str(error))
    outcomes, seconds = [], []
    for seed in args.seeds:
        with tempfile.TemporaryDirectory() as folder:
            training, test = divide(args.data, away[seed], names, Path(folder))
            model_dir = Path(folder) / "model"
            _, took, _ = train(training, model_dir, "--seed", str(seed), *args.train)
            seconds.append(took)
            outcomes.append(measure(ServedModel.load(model_dir), training, test))
    means = {name: float(np.mean([o[name] for o in outcomes])) for name in outcomes[0]}
    rows = [
        (f"`{name}`", f"{means[name]:.3f}", f"{means[real] if isinstance(real, str) else real:.3f}")
        for name, real in REAL.items()
        if name in means
    ]
    rows.append(("training to the end", f"{np.mean(seconds) / 60:.1f} minutes", ""))
    method = (
        f"{len(names)} sounds, of which {len(away[args.seeds[0]])} were kept away from training; "
        f"seeds {args.seeds}."
    )
    print(Section(args.data.name, method, rows, ("what", "made", "real")).to_markdown())


if __name__ == "__main__":
    main()
