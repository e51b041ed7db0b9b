"""What a benchmark says: two medians and their ratio, or one figure, measured in this run."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    baseline: str = ""
    ratio: float | None = None


@dataclass(frozen=True)
class Section:
    """A table with the sentence that says how it came about."""

    title: str
    method: str
    rows: list[Row] = field(default_factory=list)

    def to_markdown(self) -> str:
        """GitHub's table syntax."""
        lines = [f"## {self.title}", "", self.method, ""]
        lines += ["| what | ours | baseline | ratio |", "|---|---|---|---|"]
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.1f} x"
            lines.append(f"| {row.what} | {row.ours} | {row.baseline} | {ratio} |")
        return "\n".join(lines)


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(
    ours: Callable[[], object], baseline: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, taken in turns so that a noisy machine is noisy to both."""
    pairs = [(seconds(ours), seconds(baseline)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def machine() -> str:
    """Processor, cores and memory, for the head of the page."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Python {platform.python_version()}"
    )
