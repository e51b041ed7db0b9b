"""A SageMaker training job: the real toolkit and the real script, in a folder laid out as /opt/ml.

The toolkit (`sagemaker-training` with `sagemaker-tensorflow-training`) is the program that the
managed TensorFlow image starts. It has a session of the execution role, so the deployed policies
decide what it may do.
"""

import contextlib
import os
import re
import shutil
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow

from local import clock, faults, processes
from local.aws import client_as, endpoint_url, role_environment
from local.sagemaker import ATTEMPTS, SERVICE, job_folder, job_network
from local.sagemaker.checkpoints import Checkpoints
from local.sagemaker.logs import LogStream
from local.sagemaker.tensorboard_output import TensorBoardOutput

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
REPOSITORY = Path(__file__).parents[2]
JOB_ENVIRONMENT = Path(os.environ.get("SOUND_VAE_JOB_ENVIRONMENT", REPOSITORY / ".venv-job"))
"""The virtual environment that holds what the training image holds (local/training-image.txt)."""

IMAGE_ENVIRONMENT = {
    "SAGEMAKER_TRAINING_MODULE": "sagemaker_tensorflow_container.training:main",
}
"""What the image itself sets; with it, the toolkit loads TensorFlow before the script does."""

CAPACITY_SECONDS = 0.2
"""Between two checks for capacity."""

DAY = 86400
"""Seconds that a job may run unless MaxRuntimeInSeconds says otherwise."""

STOP_SECONDS = 120
"""Between SIGTERM and SIGKILL when a job is stopped, as on AWS."""

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
        self._process: Any = None
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
        if self._process is not None:  # or `_run_script` will, once it has started one
            self._end_script(STOP_SECONDS)

    def interrupt(self) -> None:
        """Take the spot instance away: SIGTERM now, SIGKILL after the warning time."""
        if self._process is not None and not self._stopping.is_set():
            self._interrupted = True
            self._show("Interrupted")
            self._end_script(faults.current.warning_seconds)

    def _end_script(self, patience: float) -> None:
        if patience:
            processes.send(self._process, signal.SIGTERM)
        self._later(patience, processes.send, self._process, signal.SIGKILL)

    def _later(self, seconds: float, what: Any, *arguments: Any) -> None:
        timer = threading.Timer(seconds, what, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def run(self) -> None:
        """Carry the job out; every outcome ends up in the record."""
        stream = f"{self.record.training_job_name}/algo-1-{int(utcnow().timestamp())}"
        try:
            self._get_instance()
            with LogStream(LOG_GROUP, stream, self.record.role_arn, self.region) as log:
                while self._train(log):  # interrupted: another instance goes on
                    self._show("Starting")
                    self._get_instance()
            self._show(self._outcome(), status="Stopped" if self._stopped else "Completed")
        except JobFailedError as failure:
            self._fail(str(failure))
        except Exception as error:  # of the service: no access, no toolkit, no disk
            self._fail(f"ClientError: {error}")

    @property
    def _stopped(self) -> bool:
        return self._stopping.is_set()

    def _outcome(self) -> str:
        return self._stopped_as if self._stopped else "Completed"

    def _get_instance(self) -> None:
        """Wait for an instance; a spot job waits up to MaxWaitTimeInSeconds, another one fails."""
        kind, spot = self.record.resource_config["InstanceType"], bool(self._patience)
        if self.record.resource_config.get("InstanceCount", 1) > 1:
            raise JobFailedError(
                "ClientError: the stand-in is one machine: InstanceCount must be 1."
            )
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

    def _train(self, log: LogStream) -> bool:
        """Train on one instance, from the last checkpoint; tell whether it was interrupted."""
        if self._stopped:
            return False
        base = processes.new_folder("training-job-")
        try:
            with ExitStack() as stack:
                self._show("Downloading")
                job_folder.lay_out(base, self.record, self.s3)
                if self.record.checkpoint_config:
                    config = self.record.checkpoint_config
                    stack.enter_context(Checkpoints(config, base, self.s3))
                if self.record.tensor_board_output_config:
                    stack.enter_context(TensorBoardOutput(self.record, base, self.s3))
                self._show("Training")
                exit_code = self._run_script(base, log)
            if self._interrupted:
                self._interrupted = False
                return not self._stopped
            if exit_code and not self._stopped:
                raise JobFailedError(job_folder.failure_reason(base, exit_code))
            self._show("Uploading")
            url = job_folder.upload(base, self.record, self.s3)
            self.record.model_artifacts = {"S3ModelArtifacts": url}
            return False
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def _run_script(self, base: Path, log: LogStream) -> int:
        toolkit = JOB_ENVIRONMENT / "bin" / "train"
        if not toolkit.exists():
            raise JobFailedError(
                f"ClientError: {JOB_ENVIRONMENT} holds no training toolkit: `make demo` and "
                "`make test` set it up from local/training-image.txt."
            )
        environment = role_environment(self.record.role_arn, SERVICE, self.region) | {
            "PATH": f"{toolkit.parent}:{os.environ['PATH']}",
            "HOME": str(base),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - the system's default
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            **IMAGE_ENVIRONMENT,
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_REGION": self.region,
            "S3_ENDPOINT_URL": endpoint_url(),  # what the toolkit reads in place of boto3's
            "TRAINING_JOB_NAME": self.record.training_job_name,
            "TRAINING_JOB_ARN": self.record.arn,
        }
        if self.record.enable_network_isolation:
            environment = job_network.isolated(environment)
        limit = (self.record.stopping_condition or {}).get("MaxRuntimeInSeconds", DAY)
        start = time.monotonic()
        self._process = processes.start([toolkit], environment, base)
        if self._stopped:
            self._end_script(STOP_SECONDS)
        self._later(limit - self._trained_seconds, self.stop, "MaxRuntimeExceeded")
        if self._patience is not None:
            left = self._patience - self._waited - self._trained_seconds
            self._later(left, self.stop, "MaxWaitTimeExceeded")
        spot = self.record.enable_managed_spot_training
        interruption = faults.current.next_interruption() if spot else None
        try:
            for line in self._process.stdout:
                log.write(line)
                if self._read_metrics(line) and interruption is not None:
                    self._later(interruption, self.interrupt)
                    interruption = None
            return self._process.wait()
        finally:
            while self._timers:
                self._timers.pop().cancel()
            processes.stop(self._process)
            self._process = None
            self._trained_seconds += time.monotonic() - start

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
