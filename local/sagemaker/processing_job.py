"""A SageMaker processing job: a process for each instance, in a folder laid out as /opt/ml.

The managed TensorFlow image is what a job runs in here: its Python is that of the training
toolkit's environment. Each process has a session of the job's role.
"""

import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow

from local import faults, processes
from local.aws import client_as, role_environment
from local.sagemaker import ATTEMPTS, SERVICE, job_network, processing_folder
from local.sagemaker.host import JOB_ENVIRONMENT
from local.sagemaker.logs import LogStream
from local.sagemaker.training_job import (
    DAY,
    FAILURE_REASON_LIMIT,
    STOP_SECONDS,
    JobFailedError,
)

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
LOOK_SECONDS = 0.001
"""Between two looks whether a container that is to be killed has begun its work."""
NICEST = 19
"""Of such a container, which must not be done with it before somebody looks."""


class ProcessingJob:
    """Runs one processing job; `record` is moto's entry, which DescribeProcessingJob shows."""

    def __init__(self, record: Any, region: str) -> None:
        self.record, self.region = record, region
        self.s3 = client_as(record.role_arn, SERVICE, "s3", region, attempts=ATTEMPTS)
        cluster = record.processing_resources["ClusterConfig"]
        self.instance_type = cluster["InstanceType"]
        self.hosts = [f"algo-{n + 1}" for n in range(cluster.get("InstanceCount", 1))]
        self._processes: dict[str, Any] = {}
        self._stopping = threading.Event()
        self._timers: list[threading.Timer] = []

    def stop(self) -> None:
        """Ask the containers to end: SIGTERM now, SIGKILL in two minutes."""
        self._stopping.set()
        self.record.processing_job_status = "Stopping"
        for process in list(self._processes.values()):
            self._end(process)

    def _end(self, process: Any) -> None:
        processes.send(process, signal.SIGTERM)
        self._later(STOP_SECONDS, processes.send, process, signal.SIGKILL)

    def _later(self, seconds: float, what: Any, *arguments: Any) -> None:
        timer = threading.Timer(seconds, what, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def run(self) -> None:
        """Carry the job out; every outcome ends up in the record."""
        record, messages = self.record, dict.fromkeys(self.hosts, "")
        try:
            if not faults.current.has_capacity(self.instance_type, spot=False):
                raise JobFailedError(
                    "CapacityError: Unable to provision requested ML compute capacity. Please "
                    "retry using a different ML instance type."
                )
            record.processing_start_time = utcnow()
            limit = (record.stopping_condition or {}).get("MaxRuntimeInSeconds", DAY)
            self._later(limit, self.stop)
            with ThreadPoolExecutor(len(self.hosts)) as pool:
                codes = list(pool.map(lambda host: self._run_host(host, messages), self.hosts))
            if any(codes) and not self._stopping.is_set():
                # "fails if any of the containers exits with a non-zero exit code"
                # (https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-run-image.html)
                raise JobFailedError("AlgorithmError: See job logs for more information")
            self._show("Stopped" if self._stopping.is_set() else "Completed", messages)
        except JobFailedError as failure:
            self._fail(str(failure), messages)
        except Exception as error:  # of the service: no access, no disk, a path that is none
            self._fail(f"ClientError: {error}", messages)
        finally:
            while self._timers:
                self._timers.pop().cancel()

    def _run_host(self, host: str, messages: dict[str, str]) -> int:
        base = processes.new_folder("processing-job-")
        stream = f"{self.record.processing_job_name}/{host}-{int(utcnow().timestamp())}"
        try:
            with LogStream(LOG_GROUP, stream, self.record.role_arn, self.region) as log:
                processing_folder.lay_out(base, self.record, self.s3, host, self.hosts)
                outputs = processing_folder.Outputs(base, self.record, self.s3)
                code = -1
                try:
                    if not self._stopping.is_set():
                        code = self._run_container(host, base, log)
                finally:
                    outputs.finish(completed=code == 0)
                messages[host] = processing_folder.message(base)
                return code
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def _run_container(self, host: str, base: Path, log: LogStream) -> int:
        about = self.record.app_specification
        command = [*about["ContainerEntrypoint"], *(about.get("ContainerArguments") or [])]
        environment = role_environment(self.record.role_arn, SERVICE, self.region) | {
            "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(base),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - the system's default
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "SAGEMAKER_BASE_DIR": str(base),
            **(self.record.environment or {}),
        }
        if (self.record.network_config or {}).get("EnableNetworkIsolation"):
            environment = job_network.isolated(environment)
        located = [processing_folder.located(base, part) for part in command]
        process = self._processes[host] = processes.start(located, environment, base)
        if self._stopping.is_set():  # in between
            self._end(process)
        if host in faults.current.killed:
            os.setpriority(os.PRIO_PROCESS, process.pid, NICEST)
            threading.Thread(target=_kill_at_work, args=(process, base), daemon=True).start()
        try:
            for line in process.stdout or ():
                log.write(line)
            return int(process.wait())
        finally:
            processes.stop(process)
            self._processes.pop(host, None)

    def _show(self, status: str, messages: dict[str, str]) -> None:
        # "concatenated, then truncated to 1 KB"
        # (https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html)
        said = "".join(messages.values()).encode()[: processing_folder.MESSAGE_LIMIT]
        self.record.exit_message = said.decode(errors="ignore") or None
        self.record.processing_end_time = self.record.last_modified_time = utcnow()
        self.record.processing_job_status = status

    def _fail(self, reason: str, messages: dict[str, str]) -> None:
        self.record.failure_reason = reason[:FAILURE_REASON_LIMIT]
        self._show("Failed", messages)


def _kill_at_work(process: Any, base: Path) -> None:
    """Kill a container as soon as it says what it works on."""
    message = base / "output" / "message"
    while process.poll() is None:
        if message.exists() and message.stat().st_size:
            processes.send(process, signal.SIGKILL)
            return
        time.sleep(LOOK_SECONDS)
