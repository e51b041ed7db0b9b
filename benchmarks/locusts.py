"""Runs Locust as a process of its own, for its gevent changes Python's standard library."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import ROOT


def locust(
    file: Path, host: str, environment: Mapping[str, str], *options: str
) -> list[dict[str, Any]]:
    """Return Locust's figures, one entry for each name of a request.

    Raises:
        RuntimeError: Locust did not get as far as figures; the message is the end of its errors.

    """
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--host", host]
    done = subprocess.run(
        [*command, "--json", "-L", "ERROR", *options],
        cwd=ROOT,
        env=os.environ | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        raise RuntimeError(done.stderr[-1000:])
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


def percentile(entry: Mapping[str, Any], share: float) -> float:
    """Milliseconds within which so many of the entry's requests were answered; NaN: of none."""
    times = sorted((float(ms), number) for ms, number in entry["response_times"].items())
    left = share * sum(number for _, number in times)
    for milliseconds, number in times:
        left -= number
        if left <= 0:
            return milliseconds
    return times[-1][0] if times else float("nan")
