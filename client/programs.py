"""Programs that the commands start, and ends together with their children.

The stand-in has much the same for its jobs, which these do not know.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Program = subprocess.Popen[str]


def start(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> Program:
    """Start `command` in `folder`; what it prints and its errors are one stream, `stdout`."""
    return subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for this program, which ends the others in order
    )


def lines(program: Program) -> Iterator[str]:
    """Yield what the program prints, line by line."""
    for line in program.stdout or ():
        yield line.strip()


def stop(program: Program, patience_seconds: float = 3) -> None:
    """End the program and its children: SIGTERM first, SIGKILL after `patience_seconds`."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGTERM)
    try:
        program.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
