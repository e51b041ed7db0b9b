"""Try to break every promise and write docs/trust.md with what came of it.

python -m trust                     all of it at full size, about an hour on 2 cores
python -m trust --only requests     the promises of one topic; the page is left alone
python -m trust --share 0.01        a hundredth of the attempts; the page is left alone
"""

import argparse
import datetime
import sys
import time
from pathlib import Path

from benchmarks.measurement import machine
from trust import ROOT
from trust.promise import Promise
from trust.topics import TOPICS

PAGE = ROOT / "docs" / "trust.md"


def main(argv: list[str] | None = None) -> int:
    """Run, print each promise as it is tried, and give the exit code: 1 if one was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m trust",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=sorted(TOPICS), help="try the promises of one topic")
    parser.add_argument("--share", type=float, default=1.0, help="of the attempts (0.01: few)")
    args = parser.parse_args(argv)
    chosen = {name: TOPICS[name] for name in TOPICS if args.only in (None, name)}
    rows, broken = [], False
    for topic, promises in chosen.items():
        print(topic, flush=True)
        for promise in promises:
            figure, held = _attempt(promise, max(1, round(promise.attempts * args.share)))
            broken |= not held
            rows.append(f"| {promise.sentence} | {promise.how} | {_cell(figure)} |")
    if args.only is None and args.share == 1.0:
        PAGE.write_text(_page(rows), encoding="utf-8")
        print(f"written to {PAGE.relative_to(Path.cwd())}")
    return int(broken)


def _attempt(promise: Promise, attempts: int) -> tuple[str, bool]:
    started = time.monotonic()
    try:
        figure, held = promise.check(attempts), True
    except AssertionError as error:
        figure, held = f"**broken**: {error}", False
    seconds = time.monotonic() - started
    print(f"  {promise.sentence}\n    {figure} ({seconds:.0f} s)", flush=True)
    return figure, held


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _page(rows: list[str]) -> str:
    today = datetime.date.today().isoformat()
    return "\n".join(
        [
            "# Trust",
            "",
            f"What is promised about bad input, faults and load, and how often it was tried. "
            f"Measured by `make trust` on {today}: {machine()}.",
            "",
            "| promise | how it is tried | figure |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
