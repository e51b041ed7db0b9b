"""Try to break every promise and write docs/trust.md with what came of it.

python -m trust                     all of it at full size, about an hour on 2 cores
python -m trust --only requests     the promises of one topic; the page's other sections stay
python -m trust --share 0.01        a hundredth of the attempts; the page is left alone
"""

import argparse
import datetime
import re
import sys
import time
from pathlib import Path

from benchmarks.measurement import machine
from trust import ROOT
from trust.promise import Promise
from trust.topics import TOPICS

PAGE = ROOT / "docs" / "trust.md"
HEAD = """\
# Trust

What is promised about bad input, faults and load, how it is tried, and how often it held.
`make trust` tries all of it again, `make trust ARGS="--only requests"` one topic; each writes its
figures here."""


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
    broken = False
    for topic, promises in chosen.items():
        print(topic, flush=True)
        rows = []
        for promise in promises:
            figure, held = _attempt(promise, max(1, round(promise.attempts * args.share)))
            broken |= not held
            rows.append(f"| {promise.sentence} | {promise.how} | {_cell(figure)} |")
        if args.share == 1.0:
            write_section(PAGE, topic, rows)
            print(f"written to {PAGE.relative_to(ROOT)}", flush=True)
    return int(broken)


def write_section(page: Path, topic: str, rows: list[str]) -> None:
    """Renew one topic's section; the others stay, but for those of topics that are gone."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    sections = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    today = datetime.date.today().isoformat()
    lines = ["| promise | how it is tried | figure |", "| --- | --- | --- |", *rows]
    sections[_title(topic)] = "\n".join([f"On {today}, {machine()}:", "", *lines])
    ordered = [_title(name) for name in TOPICS if _title(name) in sections]
    page.write_text(
        "\n\n".join([HEAD, *(f"## {title}\n\n{sections[title]}" for title in ordered)]) + "\n",
        encoding="utf-8",
    )


def _title(topic: str) -> str:
    return topic.replace("_", " ").capitalize()


def _attempt(promise: Promise, attempts: int) -> tuple[str, bool]:
    started = time.monotonic()
    try:
        figure, held = promise.check(attempts), True
    except Exception as error:  # an attempt that ends otherwise has broken it as well
        figure, held = f"**broken**: {type(error).__name__}: {error}", False
    seconds = time.monotonic() - started
    print(f"  {promise.sentence}\n    {figure} ({seconds:.0f} s)", flush=True)
    return figure, held


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
