"""What answers behind a SageMaker endpoint: one model server process for each endpoint config."""

import os
import shutil
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import requests

from local import processes
from local.aws import bucket_and_key, client_as
from local.logs import LogStream
from local.model_server import READY

SERVICE = "sagemaker.amazonaws.com"
REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 180
"""The container must answer /ping within three minutes, as on AWS."""


class ModelNotServedError(Exception):
    """The model server did not come up; the message becomes the endpoint's FailureReason."""


class ModelServer:
    """One running model server.

    `model` is moto's Model; raises `ModelNotServedError` unless the model loads and answers /ping.
    """

    def __init__(self, model: Any, endpoint_name: str, region: str) -> None:
        self._folder = processes.new_folder("endpoint-")
        self._process: Any = None
        self._ready = threading.Event()
        self._last_lines: list[str] = []
        self.url = ""
        container = model.primary_container
        try:
            self._fetch(container["ModelDataUrl"], model.execution_role_arn, region, self._folder)
            self._start(model, endpoint_name, region, self._folder)
        except BaseException:
            self.stop()
            raise

    def _fetch(self, model_url: str, role_arn: str, region: str, folder: Path) -> None:
        bucket, key = bucket_and_key(model_url)
        archive = folder / "model.tar.gz"
        try:
            s3 = client_as(role_arn, SERVICE, "s3", region)
            s3.download_file(bucket, key, str(archive))
            with tarfile.open(archive) as tar:
                tar.extractall(folder / "model", filter="data")
        except Exception as error:
            raise ModelNotServedError(
                f"Failed to download model data {model_url}: {error}"
            ) from error

    def _start(self, model: Any, endpoint_name: str, region: str, folder: Path) -> None:
        command = [sys.executable, "-m", "local.model_server", str(folder / "model")]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **{k: str(v) for k, v in (model.primary_container.get("Environment") or {}).items()},
        }
        self._process = processes.start(command, environment, REPOSITORY)
        log = LogStream(
            f"/aws/sagemaker/Endpoints/{endpoint_name}",
            f"AllTraffic/{model.model_name}",
            model.execution_role_arn,
            region,
        )
        threading.Thread(target=self._follow, args=(log,), daemon=True).start()
        self._ready.wait(START_SECONDS)
        if not self.url or requests.get(f"{self.url}/ping", timeout=10).status_code != 200:
            raise ModelNotServedError(
                "The primary container did not pass the ping health check: "
                + (" | ".join(self._last_lines[-3:]) or "it said nothing")
            )

    def _follow(self, log: LogStream) -> None:
        """Pass the process's output on to the log until it ends."""
        with log:
            for line in self._process.stdout:
                if line.startswith(READY):
                    self.url = line.removeprefix(READY).strip()
                    self._ready.set()
                log.write(line)
                self._last_lines = [*self._last_lines[-9:], line.strip()]
        self._ready.set()  # or has ended before it was ready

    def stop(self) -> None:
        """End the process and forget the model."""
        if self._process is not None:
            processes.stop(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)
