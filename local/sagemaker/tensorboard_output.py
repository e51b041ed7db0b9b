"""What a job writes for TensorBoard, sent to S3 while it runs.

"uploads the generated TensorBoard data in near real-time to an S3 path derived from the value of
s3_output_path provided in the configuration:
s3://{destination-bucket-prefix}/{training-job-name}/tensorboard-output/"
(doc/amazon_sagemaker_debugger.rst in https://github.com/aws/sagemaker-python-sdk/pull/1205; the
same in `latest_job_tensorboard_artifacts_path` of version 2 of that SDK). That an instance which
takes over from an interrupted one finds what was written is said of checkpoints alone: here it does
not.
"""

from pathlib import Path
from typing import Any

from moto.sagemaker.exceptions import ValidationError

from local.aws import bucket_and_key
from local.sagemaker.mirror import Mirror

LOCAL_PATH = "/opt/ml/output/tensorboard"
"""Where it is written if the request has no LocalPath."""

RESERVED = ("/opt/ml", "/tmp", "/usr/local/nvidia")  # noqa: S108 - AWS's list


def check(config: dict[str, str] | None) -> None:
    """Refuse a LocalPath as AWS does, even if it is the default.

    The words are those that callers met:
    https://github.com/aws/amazon-sagemaker-examples/issues/3620
    """
    if config and config.get("LocalPath", "").startswith(RESERVED):
        raise ValidationError(
            message='"LocalPath" of "TensorBoardOutputConfig" cannot start with the following '
            f"reserved path: [{', '.join(RESERVED)}]"
        )


class TensorBoardOutput(Mirror):
    """TensorBoardOutputConfig: uploads what the job writes, and deletes nothing.

    A LocalPath of a container's own cannot be had on this machine, which is no container.
    """

    def __init__(self, record: Any, base: Path, s3: Any) -> None:
        config, job = record.tensor_board_output_config, record.training_job_name
        if local := config.get("LocalPath"):
            raise ValueError(f"the stand-in has no {local}: leave LocalPath out, for {LOCAL_PATH}")
        bucket, prefix = bucket_and_key(config["S3OutputPath"])
        below = "/".join(filter(None, [prefix.strip("/"), job, "tensorboard-output"]))
        folder = base / Path(LOCAL_PATH).relative_to("/opt/ml")
        super().__init__(folder, bucket, f"{below}/", s3)
