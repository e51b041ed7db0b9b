"""The results of a benchmark as a table: two medians and their ratio, or one figure."""

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Row:
    """One row of a comparison."""

    what: str
    ours: str
    baseline: str = ""
    ratio: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the text of each column."""
        ratio = "" if self.ratio is None else f"{self.ratio:.1f} x"
        return self.what, self.ours, self.baseline, ratio


@dataclass(frozen=True)
class Section:
    """A table, and how its figures were measured.

    Rows are Rows under COMPARISON, or as many cells each as there are `columns`.
    """

    COMPARISON = ("what", "ours", "baseline", "ratio")

    title: str
    method: str
    rows: Sequence[Row | tuple[str, ...]] = ()
    columns: tuple[str, ...] = COMPARISON
    remarks: str = ""  # below the table

    def to_markdown(self) -> str:
        """GitHub's table syntax."""
        table = [self.columns, ("---",) * len(self.columns)]
        table += [row.cells() if isinstance(row, Row) else row for row in self.rows]
        for cells in table:
            assert len(cells) == len(self.columns), f"{self.title}: {cells}"
        lines = ["| " + " | ".join(cells) + " |" for cells in table]
        parts = [f"## {self.title}", self.method]
        parts += ["\n".join(lines)] if self.rows else []
        return "\n\n".join(parts + [self.remarks] * bool(self.remarks))


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(
    ours: Callable[[], object], baseline: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, taken in turns, so that noise on the machine affects both."""
    pairs = [(seconds(ours), seconds(baseline)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def peak_mib() -> float:
    """Peak memory of this process so far, in MiB; psutil knows a peak on Windows only."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one as well
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def fresh_peak() -> float:
    """Let the peak begin anew, where the system can, and return it in MiB: see proc(5)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")
    return peak_mib()


def machine() -> str:
    """Processor, cores and memory, for the head of the page."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Python {platform.python_version()}"
    )
