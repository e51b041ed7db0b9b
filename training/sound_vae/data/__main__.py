"""What a training run would make of a folder of sounds, before it is uploaded.

    python -m sound_vae.data recordings           in words
    python -m sound_vae.data recordings --json    a line of counts and reasons, then one for each
                                                  file that is used

It reads every file as the job would. The exit code is 1 when there is nothing to train on.
"""

import argparse
import json
import sys
from pathlib import Path

from sound_vae.data.contents import read_contents
from sound_vae.data.long_recordings import by_file
from sound_vae.data.report import DataError

SHOWN = 3  # names for each reason


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
        contents = read_contents(args.folder)
    except DataError as error:
        print(json.dumps({"error": str(error)}) if args.json else f"error: {error}")
        return 1
    report, framing = contents.report, contents.framing
    if args.json:
        found = {
            "used": report.used,
            "clips": report.kept,
            "skipped": [
                {"reason": reason, "files": report.skipped.counts[reason], "names": names[:SHOWN]}
                for reason, names in report.skipped.examples().items()
            ],
            "labels": report.labels,
            "warnings": report.warnings,
            "source_rates": report.source_rates,
            "sample_rate": framing.sample_rate,
            "clip_seconds": framing.seconds,
        }
        print(json.dumps(found))
        for file, _ in by_file(contents.names):
            print(json.dumps(file))
    else:
        print(report)
        print(f"{framing.sample_rate} Hz, {framing.seconds:.2f} s a clip")
    return 0


if __name__ == "__main__":
    sys.exit(main())
