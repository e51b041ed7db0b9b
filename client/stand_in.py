"""The stand-in for AWS as a program in the background: `soundvae up`, `soundvae down`.

What it printed when it was ready, the variables that point AWS's tools at it, is kept in a file,
so that every command with --local finds it.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from client.failure import Failure

REPOSITORY = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("SOUNDVAE_STAND_IN", REPOSITORY / ".cache" / "stand-in"))
VARIABLE = re.compile(r"export (\w+)=(.*)")
READY = "# the stand-in for AWS is ready"  # what `python -m local` prints last
READY_SECONDS, END_SECONDS = 300, 15  # 5 s on an idle machine; a busy one may take long


def up(port: int | None = None, folder: Path = STATE) -> tuple[str, bool]:
    """Start it unless it runs; give its address, and whether it was started just now."""
    with contextlib.suppress(Failure):
        return environment(folder)["AWS_ENDPOINT_URL"], False
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("w") as log:
        program = subprocess.Popen(
            [sys.executable, "-u", "-m", "local", *(("--port", str(port)) if port else ())],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives this command
        )
    said = _wait_until_ready(program, folder / "log")
    matches = filter(None, map(VARIABLE.fullmatch, said))
    variables = {match[1]: match[2] for match in matches}
    state = {"pid": program.pid, "started": _started(program.pid), "environment": variables}
    (folder / "state.json").write_text(json.dumps(state, indent=2) + "\n")
    return variables["AWS_ENDPOINT_URL"], True


def down(folder: Path = STATE) -> bool:
    """End it with every job and endpoint; whether there was one."""
    process = _process(folder)
    if process:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
    (folder / "state.json").unlink(missing_ok=True)
    return process is not None


def environment(folder: Path = STATE) -> dict[str, str]:
    """Give the variables that point AWS's tools at it; raises `Failure` when it does not run."""
    if not _process(folder):
        raise Failure("The stand-in is not running: start it with `soundvae up`.")
    variables: dict[str, str] = _state(folder)["environment"]
    return variables


def use(folder: Path = STATE) -> None:
    """Point AWS's tools in this program, and in those that it starts, at the stand-in."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(environment(folder))


def _wait_until_ready(program: subprocess.Popen[bytes], log: Path) -> list[str]:
    until = time.monotonic() + READY_SECONDS
    while True:
        said = log.read_text().splitlines()
        if said and said[-1].startswith(READY):
            return said
        if program.poll() is not None:
            raise Failure(said[-1] if said else "The stand-in ended before it was ready.")
        if time.monotonic() > until:
            program.kill()
            raise Failure(f"The stand-in was not ready after {READY_SECONDS} s: see {log}.")
        time.sleep(0.1)


def _state(folder: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except (OSError, ValueError):
        return {}
    return state


def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def _process(folder: Path) -> psutil.Process | None:
    """Find it; a process number that another program has got since is none."""
    state = _state(folder)
    try:
        process = psutil.Process(state["pid"])
        same = process.create_time() == state["started"]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, KeyError):
        return None
