"""Measure everything in one run and write docs/benchmarks.md and docs/growth.png.

python -m benchmarks --data recordings           about ten minutes on 2 cores
python -m benchmarks --data recordings --full    and a whole training run with its quality
"""

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path

from benchmarks import ROOT, endpoint, full_run, growth, preprocessing, training
from benchmarks.measurement import Section, machine

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"


def main() -> None:
    """Measure section by section; print each as soon as it is done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="a folder of WAV files; made-up spoken digits when not given"
    )
    parser.add_argument(
        "--full", action="store_true", help="also train to the end, which takes ten minutes more"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    folder = args.data or _spoken_digits()
    if not any(folder.rglob("*.wav")):
        parser.error(f"--data: {folder} holds no .wav file")

    measurements: dict[str, Callable[[], Section]] = {
        "training": training.run,
        "preprocessing": lambda: preprocessing.run(folder),
        "endpoint": lambda: endpoint.run(STARTER),
        "growth": lambda: growth.run(folder, args.output.with_name("growth.png")),
    }
    if args.full:
        measurements["a whole training run"] = lambda: full_run.run(folder)
    command = "make bench FULL=1" if args.full else "make bench"
    today = datetime.date.today().isoformat()
    page = [f"# Benchmarks\n\nMeasured by `{command}` on {today}: {machine()}."]
    for number, (name, run) in enumerate(measurements.items(), 1):
        print(f"[{number}/{len(measurements)}] {name}", flush=True)
        page.append(run().to_markdown())
        print(page[-1], "\n", flush=True)
    args.output.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"written to {args.output}")


def _spoken_digits() -> Path:
    from demo import spoken_digits

    spoken_digits.write(spoken_digits.FOLDER)
    return spoken_digits.FOLDER


if __name__ == "__main__":
    main()
