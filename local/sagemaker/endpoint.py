"""The model servers behind endpoints and transform jobs: one process for each model archive.

Loading TensorFlow takes seconds, so a server that is no longer used is kept for a while: the next
endpoint config with the same files and environment gets it at once.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from local import processes
from local.aws import bucket_and_key, client_as
from local.sagemaker import ATTEMPTS, SERVICE, serverless
from local.sagemaker.logs import LogStream
from local.sagemaker.python_service import READY

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 180
"""The container must answer /ping within three minutes, as on AWS."""
MOST_IDLE = 2
"""Servers that are kept although no endpoint uses them."""


class ModelNotServedError(Exception):
    """The model server did not come up; the message becomes the endpoint's FailureReason."""


def acquire(
    model: Any,
    endpoint_name: str,
    region: str,
    memory_mb: float | None = None,
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
) -> "ModelServer":
    """Return a server that has loaded `model` (moto's) and answers /ping; `release` it after use.

    `memory_mb` is the size of a serverless endpoint: None for one with instances. A transform job's
    container has more `environment` than its model names, and the job reads its output from `log`.
    With `alone` nobody else uses it meanwhile.

    Raises `ModelNotServedError` with a reason for the endpoint.
    """
    folder = processes.new_folder("endpoint-")
    try:
        container = model.primary_container
        _fetch(container["ModelDataUrl"], model.execution_role_arn, region, folder)
        where = [endpoint_name, region, str(memory_mb is not None)]
        more = dict(environment or {})
        identity = _identity(folder / "model", where, [container.get("Environment"), more])
        with _lock:
            same = (s for s in _servers if s.identity == identity and s.alive())
            server = next((s for s in same if not (alone and s.users)), None)
            if server:
                _servers.remove(server)
                _servers.append(server)
                server.users += 1
                server.memory_mb = memory_mb
                server.log = None
                shutil.rmtree(folder, ignore_errors=True)
                return server
        server = ModelServer(identity, folder, model, endpoint_name, region, memory_mb, more)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    with _lock:
        _servers.append(server)
    return server


def release(server: "ModelServer") -> None:
    """Note that an endpoint no longer uses `server`; end the servers that were idle longest."""
    with _lock:
        server.users -= 1
        idle = [one for one in _servers if not one.users]
        for one in idle[: len(idle) - MOST_IDLE]:
            _servers.remove(one)
            one.stop()


def end_idle(endpoint_name: str, region: str) -> None:
    """End the servers that were kept for an endpoint, which is gone."""
    with _lock:
        for one in [s for s in _servers if s.endpoint == (endpoint_name, region) and not s.users]:
            _servers.remove(one)
            one.stop()


_servers: list["ModelServer"] = []  # the one used last comes last
_lock = threading.Lock()


def _fetch(model_url: str, role_arn: str, region: str, folder: Path) -> None:
    bucket, key = bucket_and_key(model_url)
    archive = folder / "model.tar.gz"
    try:
        s3 = client_as(role_arn, SERVICE, "s3", region, attempts=ATTEMPTS)
        s3.download_file(bucket, key, str(archive))
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "model", filter="data")
    except Exception as error:
        raise ModelNotServedError(f"Failed to download model data {model_url}: {error}") from error


def _identity(folder: Path, where: list[str], environment: Any) -> str:
    digest = hashlib.sha256(json.dumps([where, environment]).encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class ModelServer:
    """One running model server; raises `ModelNotServedError` unless it answers /ping."""

    def __init__(
        self,
        identity: str,
        folder: Path,
        model: Any,
        endpoint_name: str,
        region: str,
        memory_mb: float | None,
        environment: Mapping[str, str],
    ) -> None:
        self.identity = identity
        self.log: LogStream | None = None  # of a transform job; an endpoint has one of its own
        self._environment = environment
        self.endpoint = (endpoint_name, region)
        self.users = 1
        self.memory_mb = memory_mb
        self._folder = folder
        self._model = model
        self._process: Any = None
        self._stopped = False
        self._ready = threading.Event()
        self._last_lines: list[str] = []
        self.url = ""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The container's first process."""
        pid: int = self._process.pid
        return pid

    def _start(self) -> None:
        folder, model, (endpoint_name, region) = self._folder, self._model, self.endpoint
        self.url = ""
        self._ready.clear()
        command = [sys.executable, "-m", "local.sagemaker.container", str(folder / "model")]
        if self.memory_mb is not None:
            command.append("--read-only")
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **{k: str(v) for k, v in (model.primary_container.get("Environment") or {}).items()},
            **self._environment,
        }
        self._process = process = processes.start(command, environment, REPOSITORY)
        log = None
        if not self._environment:  # a job hands over its own
            log = LogStream(
                f"/aws/sagemaker/Endpoints/{endpoint_name}",
                f"AllTraffic/{model.model_name}",
                model.execution_role_arn,
                region,
            )
        threading.Thread(target=self._follow, args=(process, log), daemon=True).start()
        limit = (process.pid, lambda: self.memory_mb, lambda: processes.stop(process, patience=0))
        threading.Thread(target=serverless.watch_memory, args=limit, daemon=True).start()
        self._ready.wait(START_SECONDS)
        if not self.url or requests.get(f"{self.url}/ping", timeout=10).status_code != 200:
            raise ModelNotServedError(
                "The primary container did not pass the ping health check: "
                + (" | ".join(self._last_lines[-3:]) or "it said nothing")
            )

    def _follow(self, process: Any, log: LogStream | None) -> None:
        """Pass the process's output on to the log until it ends."""
        with log or contextlib.nullcontext():
            for line in process.stdout:
                if line.startswith(READY):
                    self.url = line.removeprefix(READY).strip()
                    self._ready.set()
                if stream := self.log or log:
                    stream.write(line)
                self._last_lines = [*self._last_lines[-9:], line.strip()]
        served, self.url = bool(self.url), ""
        self._ready.set()  # or it has ended before it was ready
        # another container, as on AWS; a transform job ends with its own
        if served and self.users and not self._stopped and not self._environment:
            with contextlib.suppress(ModelNotServedError):
                self._start()

    def stop(self) -> None:
        """End the process and forget the model."""
        self._stopped = True
        if self._process is not None:
            processes.stop(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)
