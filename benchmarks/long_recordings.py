"""What a long recording costs to read and cut: time and memory, by its length and format.

    python -m benchmarks.long_recordings                                  as a table
    python -m benchmarks.long_recordings --work mp3 --minutes 60

The recordings are made up: stereo noise at 16 kHz that sounds for two seconds and is silent for
one, or sounds on. Each is read in a process of its own, and the memory is what that takes beyond
what it has taken for a recording of a minute.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import ROOT
from benchmarks.measurement import Section, fresh_peak, peak_mib, seconds

RATE = 16_000  # Hz
FORMATS = ("wav", "flac", "ogg", "mp3")
MINUTES = (6, 60)


@dataclass(frozen=True)
class Cost:
    """What reading a recording took."""

    seconds: float
    peak_mib: float
    clips: int


def read(suffix: str, minutes: int, *, pauses: bool) -> Cost:
    """Read a recording of so many minutes."""
    from sound_vae.data.contents import read_contents

    with tempfile.TemporaryDirectory() as folder:
        for name, length in (("few", 1), ("many", minutes)):
            (Path(folder) / name).mkdir()
            _record(Path(folder) / name / f"rain.{suffix}", length, pauses=pauses)
        read_contents(Path(folder) / "few")  # what is only loaded when it is needed
        before = fresh_peak()
        found = []
        took = seconds(lambda: found.append(read_contents(Path(folder) / "many")))
        return Cost(took, peak_mib() - before, len(found[0].names))


def run() -> Section:
    """Read recordings of every format and length, and give the table."""
    rows = []
    for suffix in FORMATS:
        costs = [_in_its_own_process(suffix, minutes) for minutes in MINUTES]
        cells = (f"{c.seconds:.1f} s, {c.peak_mib:.0f} MiB, {c.clips:,} clips" for c in costs)
        rows.append((suffix, *cells))
    method = (__doc__ or "").rpartition("\n\n")[2].strip()
    columns = ("format", *(f"{minutes} minutes" for minutes in MINUTES))
    return Section("Long recordings", method, rows, columns)


def _record(file: Path, minutes: int, *, pauses: bool) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (60 * RATE, 2))
    if pauses:
        noise[np.arange(60 * RATE) % (3 * RATE) >= 2 * RATE] = 0
    with soundfile.SoundFile(file, "w", RATE, 2) as opened:
        for _ in range(minutes):
            opened.write(noise)


def _in_its_own_process(suffix: str, minutes: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.long_recordings"]
    command += ["--work", suffix, "--minutes", str(minutes)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Cost(**json.loads(answer.stdout.splitlines()[-1]))


def main() -> None:
    """Measure one recording, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", choices=FORMATS, help="only this, as one line of JSON")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--pauses", action="store_true", help="it is silent now and then")
    args = parser.parse_args()
    if not args.work:
        print(run().to_markdown())
        return
    cost = read(args.work, args.minutes, pauses=args.pauses)
    print(json.dumps(cost.__dict__))


if __name__ == "__main__":
    main()
