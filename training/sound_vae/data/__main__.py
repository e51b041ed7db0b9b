"""What a training run would make of a folder of sounds, before it is uploaded.

    python -m sound_vae.data recordings           in words
    python -m sound_vae.data recordings --json    names, reasons and counts

It reads every file as the job would. The exit code is 1 when there is nothing to train on.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news

from sound_vae.data.dataset import read_dataset
from sound_vae.data.report import DataError


def main(argv: list[str] | None = None) -> int:
    """Read the folder and print what becomes of its files."""
    parser = argparse.ArgumentParser(
        prog="python -m sound_vae.data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="for programs")
    args = parser.parse_args(argv)
    try:
        data = read_dataset(args.folder)
    except DataError as error:
        print(json.dumps({"error": str(error)}) if args.json else f"error: {error}")
        return 1
    report, transform = data.report, data.transform
    if args.json:
        found = {
            "names": data.names,
            "skipped": report.skipped,
            "labels": report.labels,
            "warnings": report.warnings,
            "source_rates": report.source_rates,
            "sample_rate": transform.sample_rate,
            "clip_seconds": transform.seconds,
        }
        print(json.dumps(found))
    else:
        print(report)
        print(f"{transform.sample_rate} Hz, {transform.seconds:.2f} s a clip")
    return 0


if __name__ == "__main__":
    sys.exit(main())
