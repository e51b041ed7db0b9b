"""One of a training job's instances: its folder /opt/ml, its program, its log."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local import processes
from local.aws import endpoint_url, role_environment
from local.sagemaker import SERVICE, job_folder, job_network
from local.sagemaker.checkpoints import Checkpoints
from local.sagemaker.logs import LogStream
from local.sagemaker.tensorboard_output import TensorBoardOutput

REPOSITORY = Path(__file__).parents[2]
JOB_ENVIRONMENT = Path(os.environ.get("SOUND_VAE_JOB_ENVIRONMENT", REPOSITORY / ".venv-job"))
"""The virtual environment that holds what the training image holds (local/training-image.txt)."""

ON_ONE_MACHINE = Path(__file__).parent / "image"
IMAGE_ENVIRONMENT = {
    "SAGEMAKER_TRAINING_MODULE": "hosts_on_one_machine:main",
}
"""What the image itself sets; with it, the toolkit loads TensorFlow before the script does."""


class NoToolkitError(Exception):
    """There is nothing to run the job with; the message says how to get it."""


class Host:
    """The instance `names[number]` of the job `record`, with a folder of its own."""

    def __init__(self, record: Any, names: Sequence[str], number: int, s3: Any) -> None:
        self.record, self.names, self.number, self.s3 = record, names, number, s3
        self.name = names[number]
        self.base = processes.new_folder("training-job-")
        self.process: Any = None
        self.exit_code: int | None = None
        self._mirrors = ExitStack()

    def lay_out(self) -> None:
        """Download configuration, channels and checkpoints, and begin to mirror the latter."""
        job_folder.lay_out(self.base, self.record, self.s3, self.names, self.number)
        if self.record.checkpoint_config:
            config = self.record.checkpoint_config
            self._mirrors.enter_context(Checkpoints(config, self.base, self.s3))
        if self.record.tensor_board_output_config:
            self._mirrors.enter_context(TensorBoardOutput(self.record, self.base, self.s3))

    def start(self, region: str, ports: dict[str, int]) -> None:
        """Start the toolkit; raises NoToolkitError where there is none."""
        toolkit = JOB_ENVIRONMENT / "bin" / "train"
        if not toolkit.exists():
            raise NoToolkitError(
                f"{JOB_ENVIRONMENT} holds no training toolkit: `make demo` and `make test` set it "
                "up from local/training-image.txt."
            )
        environment = role_environment(self.record.role_arn, SERVICE, region) | {
            "PATH": f"{toolkit.parent}:{os.environ['PATH']}",
            "HOME": str(self.base),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - the system's default
            "PYTHONPATH": str(ON_ONE_MACHINE),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            **IMAGE_ENVIRONMENT,
            "SOUND_VAE_HOST_PORTS": json.dumps(ports),
            "SAGEMAKER_BASE_DIR": str(self.base),
            "SAGEMAKER_REGION": region,
            "S3_ENDPOINT_URL": endpoint_url(),  # what the toolkit reads in place of boto3's
            "TRAINING_JOB_NAME": self.record.training_job_name,
            "TRAINING_JOB_ARN": self.record.arn,
        }
        if self.record.enable_network_isolation:
            environment = job_network.isolated(environment)
        self.process = processes.start([toolkit], environment, self.base)

    def follow(self, log: LogStream, hear: Callable[[str], None]) -> None:
        """Log what the program says, until it ends."""
        try:
            for line in self.process.stdout:
                log.write(line)
                hear(line)
            self.exit_code = self.process.wait()
        finally:
            processes.stop(self.process)

    def signal(self, number: int) -> None:
        """Send a signal to the program, if it runs."""
        if self.process is not None:
            processes.send(self.process, number)

    def end_mirrors(self) -> None:
        """Upload what has not been mirrored yet."""
        self._mirrors.close()

    def remove(self) -> None:
        """Give the instance back."""
        self._mirrors.close()
        shutil.rmtree(self.base, ignore_errors=True)
