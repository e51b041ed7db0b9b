"""A whole training run with default settings: its time, its memory, and how good its sounds are.

python -m benchmarks.full_run --data recordings
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import ROOT
from benchmarks.measurement import Section
from benchmarks.memory import Watch

# what real sounds get where the run itself does not say
REAL = {"frechet_ratio": "1", "diversity": "1", "nearest": "1", "copies": "0.010"}
FINE = {"modulation_db": "modulation_floor", "told_apart": "told_apart_floor"}  # and of real sounds
SHOWN = ("accuracy", "frechet_ratio", "diversity", "nearest", "copies", "reconstruction_db", *FINE)


def train(data: Path, model_dir: Path, *options: str) -> tuple[dict[str, float], float, float]:
    """Run training/train.py to its end; return its figures, seconds, and peak memory in MiB.

    Raises CalledProcessError when it fails; what it prints is passed on.
    """
    command = [sys.executable, str(ROOT / "training" / "train.py")]
    command += ["--data", str(data), "--model-dir", str(model_dir), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    with Watch(process.pid) as watch:
        status = process.wait()
    if status:
        raise subprocess.CalledProcessError(status, command)
    figures = json.loads((model_dir / "metrics.json").read_text(encoding="utf-8"))
    return figures, time.perf_counter() - started, watch.most_mib


def run(data: Path) -> Section:
    """Train and measure, once."""
    from sound_vae.quality.evaluation import FIGURES

    files = sum(file.is_file() for file in data.rglob("*"))
    with tempfile.TemporaryDirectory() as folder:
        figures, seconds, mib = train(data, Path(folder) / "model")
    rows = [
        ("time to the end, evaluation included", f"{seconds / 60:.1f} minutes", ""),
        ("peak memory", f"{mib:,.0f} MiB", ""),
    ]
    for name in SHOWN:
        if name in figures:
            measured = {"accuracy": "real_accuracy", **FINE}.get(name)
            real = f"{figures[measured]:.3f}" if measured else REAL.get(name, "")
            rows.append((f"`{name}`: {FIGURES[name]}", f"{figures[name]:.3f}", real))
    method = (
        f"`python training/train.py --data … --model-dir …` on {files:,} files, nothing else set, "
        f"on {os.cpu_count()} cores. Quality is measured by the run itself, on the WAV files that "
        "a caller would get, against validation clips."
    )
    return Section(
        "A whole run with default settings", method, rows, ("what", "run", "real sounds")
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    print(run(parser.parse_args().data).to_markdown())
