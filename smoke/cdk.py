"""The CDK's own command line, as `make` installed it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
LAST_LINES = 12


class CdkError(Exception):
    """The command failed; the message is its last lines."""


def run(*arguments: str, folder: Path = REPOSITORY) -> None:
    """Run `cdk` with these arguments; raises `CdkError`.

    It runs in a session of its own, so that Ctrl-C ends it only through this program, which then
    cleans up.
    """
    environment = os.environ | {
        # the app is `python3 app.py`, with this program's Python
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }
    process = subprocess.Popen(
        [str(CDK), *arguments, "--no-notices", "--ci"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise CdkError(f"cdk {arguments[0]} failed: {' / '.join(lines[-LAST_LINES:])}")
