"""A SageMaker training job: the real toolkit and the real script on each of its instances.

The toolkit (`sagemaker-training` with `sagemaker-tensorflow-training`) is the program that the
managed TensorFlow image starts. It has a session of the execution role, so the deployed policies
decide what it may do.
"""

import contextlib
import queue
import re
import signal
import threading
import time
from typing import Any

from moto.core.utils import utcnow

from local import clock, faults, processes
from local.aws import client_as
from local.sagemaker import ATTEMPTS, SERVICE, job_folder
from local.sagemaker.host import Host, NoToolkitError
from local.sagemaker.logs import LogStream
from local.sagemaker.ports import free_ports

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CAPACITY_SECONDS = 0.2
"""Between two checks for capacity."""

DAY = 86400
"""Seconds that a job may run unless MaxRuntimeInSeconds says otherwise."""

STOP_SECONDS = 120
"""Between SIGTERM and SIGKILL when a job is stopped, as on AWS."""

PEERS_SECONDS = 60
"""That the other instances have to end by themselves when the script fails on one of them."""

FAILURE_REASON_LIMIT = 1024
SPOT_PRICE = 0.3
"""Share of the price on demand; what a spot job saves shows in its billable seconds."""


class JobFailedError(Exception):
    """The job ends as Failed; the message is its FailureReason."""


class TrainingJob:
    """Runs one training job; `record` is moto's entry, which DescribeTrainingJob shows."""

    def __init__(self, record: Any, region: str) -> None:
        self.record = record
        self.region = region
        self.s3 = client_as(record.role_arn, SERVICE, "s3", region, attempts=ATTEMPTS)
        self.metrics = {
            definition["Name"]: re.compile(definition["Regex"])
            for definition in record.algorithm_specification.get("MetricDefinitions") or []
        }
        self._hosts: list[Host] = []  # whose script runs now
        self._stopping = threading.Event()
        self._stopped_as = "Stopped"
        self._interrupted = False
        self._trained_seconds = 0.0
        self._waited = 0.0  # seconds without an instance
        self._figures: dict[str, dict[str, Any]] = {}  # by the metric's name
        self._timers: list[threading.Timer] = []  # of the instance that trains now

    def stop(self, as_status: str = "Stopped") -> None:
        """Ask the script to end: SIGTERM now, SIGKILL in two minutes."""
        self._stopped_as = as_status
        self._stopping.set()
        self._show("Stopping", status="Stopping")
        if self._hosts:  # or `_run_scripts` will, once it has started them
            self._end_script(STOP_SECONDS)

    def interrupt(self) -> None:
        """Take the spot instances away: SIGTERM now, SIGKILL after the warning time."""
        if self._hosts and not self._stopping.is_set():
            self._interrupted = True
            self._show("Interrupted")
            self._end_script(faults.current.warning_seconds)

    def _end_script(self, patience: float) -> None:
        if patience:
            self._signal(signal.SIGTERM)
        self._later(patience, self._signal, signal.SIGKILL)

    def _later(self, seconds: float, what: Any, *arguments: Any) -> None:
        timer = threading.Timer(seconds, what, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def run(self) -> None:
        """Carry the job out; every outcome ends up in the record."""
        stamp = int(utcnow().timestamp())
        try:
            self._get_instances()
            while self._train(stamp):  # interrupted: other instances go on
                self._show("Starting")
                self._get_instances()
            self._show(self._outcome(), status="Stopped" if self._stopped else "Completed")
        except JobFailedError as failure:
            self._fail(str(failure))
        except NoToolkitError as error:
            self._fail(f"ClientError: {error}")
        except Exception as error:  # of the service: no access, no disk
            self._fail(f"ClientError: {error}")

    @property
    def _stopped(self) -> bool:
        return self._stopping.is_set()

    def _outcome(self) -> str:
        return self._stopped_as if self._stopped else "Completed"

    def _get_instances(self) -> None:
        """Wait for instances; a spot job waits up to MaxWaitTimeInSeconds, another one fails."""
        kind, spot = self.record.resource_config["InstanceType"], bool(self._patience)
        while not self._stopped and not faults.current.has_capacity(kind, spot):
            if self._patience is None:
                raise JobFailedError(
                    "CapacityError: Unable to provision requested ML compute capacity. Please "
                    "retry using a different ML instance type."
                )
            left = self._patience - self._waited - self._trained_seconds
            if left <= 0:
                self.stop("MaxWaitTimeExceeded")
                return
            pause = min(left, CAPACITY_SECONDS * clock.speed)
            clock.wait(pause, self._stopping, self._stopping.is_set)
            self._waited += pause

    @property
    def _patience(self) -> float | None:
        """MaxWaitTimeInSeconds of a spot job: waiting plus running."""
        spot = self.record.enable_managed_spot_training
        return self.record.stopping_condition["MaxWaitTimeInSeconds"] if spot else None

    def _train(self, stamp: int) -> bool:
        """Train on new instances, from the last checkpoint; tell whether these were interrupted."""
        if self._stopped:
            return False
        count = self.record.resource_config.get("InstanceCount", 1)
        # names that the toolkit can look up, as it does algo-1 and so on where AWS has made these
        names = [f"127.0.0.{number}" for number in range(1, count + 1)]
        hosts: list[Host] = []
        try:
            self._show("Downloading")
            for number in range(count):
                hosts.append(Host(self.record, names, number, self.s3))
                hosts[-1].lay_out()
            self._show("Training")
            failed = self._run_scripts(hosts, stamp)
            for host in hosts:
                host.end_mirrors()
            if self._interrupted:
                self._interrupted = False
                return not self._stopped
            if failed and not self._stopped:
                raise JobFailedError(job_folder.failure_reason(failed.base, failed.exit_code))
            self._show("Uploading")
            url = job_folder.upload([host.base for host in hosts], self.record, self.s3)
            self.record.model_artifacts = {"S3ModelArtifacts": url}
            return False
        finally:
            for host in hosts:
                host.remove()

    def _run_scripts(self, hosts: list[Host], stamp: int) -> Host | None:
        """Run the script on all hosts; give the first one that fails, which ends the others."""
        limit = (self.record.stopping_condition or {}).get("MaxRuntimeInSeconds", DAY)
        start = time.monotonic()
        ports = dict(zip((host.name for host in hosts), free_ports(len(hosts)), strict=True))
        ended: queue.Queue[Host] = queue.Queue()
        spot = self.record.enable_managed_spot_training
        interruption = [faults.current.next_interruption() if spot else None]

        def hear(line: str) -> None:
            if self._read_metrics(line) and interruption[0] is not None:
                self._later(interruption[0], self.interrupt)
                interruption[0] = None

        def run(host: Host) -> None:
            stream = f"{self.record.training_job_name}/algo-{host.number + 1}-{stamp}"
            try:
                with LogStream(LOG_GROUP, stream, self.record.role_arn, self.region) as log:
                    host.follow(log, hear)
            finally:
                ended.put(host)

        first_failure = None
        self._hosts = hosts
        try:
            for host in hosts:
                host.start(self.region, ports)
                threading.Thread(target=run, args=(host,), daemon=True).start()
            if self._stopped:
                self._end_script(STOP_SECONDS)
            self._later(limit - self._trained_seconds, self.stop, "MaxRuntimeExceeded")
            if self._patience is not None:
                left = self._patience - self._waited - self._trained_seconds
                self._later(left, self.stop, "MaxWaitTimeExceeded")
            for _ in hosts:
                host = ended.get()
                if host.exit_code and first_failure is None:
                    first_failure = host
                    if not self._interrupted and not self._stopped:
                        self._later(PEERS_SECONDS, self._signal, signal.SIGKILL)
            return first_failure
        finally:
            self._hosts = []
            while self._timers:
                self._timers.pop().cancel()
            for host in hosts:
                if host.process is not None:
                    processes.stop(host.process)
            self._trained_seconds += time.monotonic() - start

    def _signal(self, number: int) -> None:
        for host in self._hosts:
            host.signal(number)

    def _read_metrics(self, line: str) -> bool:
        """Read the metrics in a line of the log; tell whether there were any."""
        found = {}
        for name, regex in self.metrics.items():
            for text in regex.findall(line):
                with contextlib.suppress(ValueError, TypeError):  # what is no number is no metric
                    found[name] = {"MetricName": name, "Value": float(text), "Timestamp": utcnow()}
        self._figures |= found
        if found and not faults.current.metrics_lag:
            self._show_figures()
        return bool(found)

    def _show_figures(self) -> None:
        self.record.final_metric_data_list = list(self._figures.values())

    def _show(self, secondary: str, status: str = "InProgress", message: str = "") -> None:
        now = utcnow()
        transitions = self.record.secondary_status_transitions
        if transitions:
            transitions[-1]["EndTime"] = now
        transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        self.record.last_modified_time = now
        if secondary == "Training" and not self._trained_seconds:
            self.record.training_start_time = now
        if status in ("Completed", "Failed", "Stopped"):
            self.record.training_end_time = now
            timer = threading.Timer(faults.current.metrics_lag / clock.speed, self._show_figures)
            timer.daemon = True
            timer.start()
            seconds = self._trained_seconds
            price = SPOT_PRICE if self.record.enable_managed_spot_training else 1
            self.record.training_time_in_seconds = round(seconds)
            self.record.billable_time_in_seconds = round(seconds * price)
        self.record.secondary_status = secondary
        self.record.training_job_status = status

    def _fail(self, reason: str) -> None:
        self.record.failure_reason = reason[:FAILURE_REASON_LIMIT]
        self._show("Failed", status="Failed", message=self.record.failure_reason)
