"""Whether several machines learn what one does: figures of runs that differ in seed and machines.

    python -m benchmarks.machines_and_seeds --data ../shared/fsdd/recordings --quality draft

trains once for each seed on one machine, on two and on four, which are processes of this machine
that each have their share of the files, as SageMaker gives machines of a job theirs. Draft takes
four minutes a run on two cores. Each run is kept in docs/machines_and_seeds.json, which `python -m
benchmarks.scale` reads, and is not made again: delete the file after a change of the training.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import scipy.stats  # type: ignore[import-untyped]

from benchmarks import ROOT
from benchmarks.measurement import Section
from benchmarks.several_machines import configs
from sound_vae.data.folder import is_sound, visible_files

KEPT = ROOT / "docs" / "machines_and_seeds.json"
FIGURES = (
    "val_loss",
    "mse",  # which has no part of the run's own listener, unlike val_loss
    "kl",
    "accuracy",
    "frechet_ratio",
    "diversity",
    "modulation_db",
    "told_apart",
    "nearest",
    "copies",
)
FEW = 5  # seeds
LEVEL = 0.05  # of chance, over all comparisons
Runs = Mapping[int, Sequence[Mapping[str, float]]]
"""Machines, to the figures of a run for each seed."""


def share(data: Path, names: Sequence[str], folder: Path, machines: int) -> list[Path]:
    """Copy every N-th sound into a folder for each of N machines."""
    folders = [folder / f"{machine}-of-{machines}" for machine in range(machines)]
    for number, name in enumerate(names):
        copy = folders[number % machines] / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / name, copy)
    return folders


def train(shares: Sequence[Path], model_dir: Path, *options: str) -> dict[str, float]:
    """Train on as many machines as there are shares; give the first one's figures.

    Raises CalledProcessError when one of them fails.
    """
    processes = []
    for number, (data, config) in enumerate(zip(shares, configs(len(shares)), strict=True)):
        command = [sys.executable, str(ROOT / "training" / "train.py"), "--data", str(data)]
        command += ["--model-dir", str(model_dir / f"{number}"), *options]
        environment = {**os.environ, "TF_CONFIG": config}
        processes.append(subprocess.Popen(command, env=environment))
    for process in processes:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
    figures: dict[str, float] = json.loads((model_dir / "0" / "metrics.json").read_text("utf-8"))
    return figures


def section(runs: Runs, quality: str) -> Section:
    """Show means and spread of the seeds for each number of machines."""
    alone = runs[1]
    rows, chances = [], {}
    for name in FIGURES:
        cells = [f"`{name}`"]
        for machines, several in runs.items():
            values = [run[name] for run in several]
            cells.append(shown(values))
            if machines > 1 and len(values) > 1:
                chances[name, machines] = chance([run[name] for run in alone], values)
        rows.append(tuple(cells))
    few, many = min(map(len, runs.values())), max(map(len, runs.values()))
    seeds = f"{few}" if few == many else f"{few} to {many}"
    method = (
        f"{seeds} seeds for each number of machines, all else being equal (quality {quality}): "
        "mean and standard deviation over the seeds of what a run says of itself, on validation "
        "clips. The machines were processes here, each with its share of the files."
    )
    beyond = [f"`{name}` on {machines}" for name, machines in significant(chances)]
    method_of_test = f"Welch's t-test, Holm's correction, {LEVEL:.0%}"
    remarks = (
        f"Beyond what seeds differ by ({method_of_test}): {', '.join(beyond)}."
        if beyond
        else f"Nothing differs from one machine by more than seeds do ({method_of_test})."
    )
    if few == 1:
        remarks += " What has run once is not compared."
    if few < FEW:
        remarks += f" With {seeds} seeds only large differences can show."
    columns = ("", "one machine", *(f"{machines} machines" for machines in runs if machines > 1))
    return Section("The same figures on several machines", method, rows, columns, remarks)


def shown(values: Sequence[float]) -> str:
    """Write mean and standard deviation, or the one value that there is."""
    mean = statistics.mean(values)
    digits = 5 if 0 < abs(mean) < 0.01 else 3
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the p of Welch's t-test; 1 where all values are the same."""
    if len({*one, *other}) == 1:
        return 1.0
    return float(scipy.stats.ttest_ind(one, other, equal_var=False).pvalue)


def significant(chances: Mapping[tuple[str, int], float]) -> list[tuple[str, int]]:
    """Choose what chance alone would hardly give, by Holm's step-down procedure (1979)."""
    found = []
    remaining = len(chances)
    for comparison, p in sorted(chances.items(), key=lambda item: item[1]):
        if p * remaining > LEVEL:
            break
        found.append(comparison)
        remaining -= 1
    return found


def kept() -> tuple[Runs, str]:
    """Read the runs that were kept, and their quality; none where there is no file."""
    if not KEPT.exists():
        return {}, ""
    told = json.loads(KEPT.read_text("utf-8"))
    return {int(machines): several for machines, several in told["runs"].items()}, told["quality"]


def main() -> None:
    """Train for each seed and number of machines that is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    parser.add_argument("--quality", default="draft", help="default: draft")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on; default: 3")
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 2, 4])
    args = parser.parse_args()
    names = [name for name in visible_files(args.data)[0] if is_sound(name)]
    if not names:
        parser.error(f"there is no sound in {args.data}: name a folder of sounds")
    there, quality = kept()
    if there and quality != args.quality:
        parser.error(f"{KEPT} is of quality {quality}: delete it, or ask for that")
    wanted = sorted({1, *args.machines})  # the others are compared with one
    runs = {machines: [*there.get(machines, [])] for machines in {*wanted, *there}}
    for seed in range(args.seeds):
        for machines in wanted:
            if len(runs[machines]) > seed:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                shares = share(args.data, names, Path(scratch), machines)
                options = ("--quality", args.quality, "--seed", f"{seed}")
                figures = train(shares, Path(scratch, "model"), *options)
            runs[machines].append({name: figures[name] for name in FIGURES})
            print(f"seed {seed}, machines {machines}: {runs[machines][-1]}", flush=True)
            content = {"quality": args.quality, "runs": dict(sorted(runs.items()))}
            KEPT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(section(dict(sorted(runs.items())), args.quality).to_markdown())


if __name__ == "__main__":
    main()
