"""Measure everything in one run and write docs/benchmarks.md.

python -m benchmarks --data /path/to/sounds
"""

import argparse
import datetime
from pathlib import Path

from benchmarks import ROOT, endpoint, gpu_estimate, preprocessing, training
from benchmarks.measurement import machine


def main() -> None:
    """One section after the other, each printed as soon as it is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="WAV files for preprocessing; spoken digits when not given"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    folder = args.data or _spoken_digits()
    if not any(folder.rglob("*.wav")):
        parser.error(f"--data: {folder} holds no .wav file")

    today = datetime.date.today().isoformat()
    page = [f"# Benchmarks\n\nMeasured by `make bench` on {today}: {machine()}."]
    measurements = (
        training.run,
        lambda: preprocessing.run(folder),
        lambda: endpoint.run(ROOT / "infra" / "starter" / "model.tar.gz"),
        gpu_estimate.run,
    )
    for run in measurements:
        page.append(run().to_markdown())
        print(page[-1], "\n", flush=True)
    args.output.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"written to {args.output}")


def _spoken_digits() -> Path:
    from local import demo, spoken_digits

    spoken_digits.write(demo.SPOKEN_DIGITS)
    return demo.SPOKEN_DIGITS


if __name__ == "__main__":
    main()
