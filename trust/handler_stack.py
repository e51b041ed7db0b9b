"""The starter's model behind the serving image's own falcon, gunicorn and gevent."""

import contextlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.sagemaker.python_service import READY
from trust import ROOT

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"


@dataclass
class HandlerStack:
    """A container that serves."""

    url: str
    pid: int

    def model_server(self) -> psutil.Process:
        """Return the process that holds the model."""
        children = psutil.Process(self.pid).children()
        return next(c for c in children if "local.sagemaker.tensorflow_serving" in c.cmdline())


@contextlib.contextmanager
def handler_stack() -> Iterator[HandlerStack]:
    """Start the container of an endpoint; its end is that of the block."""
    with tempfile.TemporaryDirectory(prefix="sound-vae-trust-") as folder:
        with tarfile.open(STARTER) as archive:
            archive.extractall(f"{folder}/model", filter="data")
        Path(folder, "tmp").mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "local.sagemaker.container", f"{folder}/model", "--read-only"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": f"{folder}/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout
            url = next((s for s in process.stdout if s.startswith(READY)), "")
            assert url, "the container did not come up"
            yield HandlerStack(url.removeprefix(READY).strip(), process.pid)
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
            process.wait()
