"""The processes that the stand-in starts, and their folders; all end with the stand-in."""

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_running: set["subprocess.Popen[str]"] = set()
_folders = tempfile.TemporaryDirectory(prefix="sound-vae-local-", ignore_cleanup_errors=True)


def new_folder(prefix: str) -> Path:
    """Make a folder that is deleted when this program ends, if not before."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_folders.name))


def start(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path
) -> "subprocess.Popen[str]":
    """Start `command` in `folder`; its output and errors are one text stream, `process.stdout`."""
    process = subprocess.Popen(
        [str(part) for part in command],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that what it starts can be signalled with it
    )
    _running.add(process)
    return process


def send(process: "subprocess.Popen[str]", signal_number: int) -> None:
    """Send a signal to the process and everything that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal_number)


def stop(process: "subprocess.Popen[str]", patience: float = 3) -> None:
    """End the process: SIGTERM first, SIGKILL after `patience` seconds."""
    send(process, signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        pass
    finally:
        send(process, signal.SIGKILL)  # also what it may have left behind
        process.wait()
        _running.discard(process)


@atexit.register
def stop_all() -> None:
    """End everything that still runs."""
    for process in list(_running):
        stop(process, patience=1)
