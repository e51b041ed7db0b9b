"""A job's folder of checkpoints, mirrored to S3 while the job runs."""

from pathlib import Path
from typing import Any

from local.aws import bucket_and_key
from local.sagemaker.job_folder import download, inside
from local.sagemaker.mirror import Mirror


class Checkpoints(Mirror):
    """CheckpointConfig: downloads what is in S3, then uploads every change of the folder.

    `config` has S3Uri and perhaps LocalPath, which lies below /opt/ml: here below `base`.
    """

    deletes = True

    def __init__(self, config: dict[str, str], base: Path, s3: Any) -> None:
        local = config.get("LocalPath", "/opt/ml/checkpoints")
        folder = inside(base, Path(local).relative_to("/opt/ml").as_posix())
        bucket, prefix = bucket_and_key(config["S3Uri"])
        super().__init__(folder, bucket, prefix.rstrip("/") + "/", s3)

    def fill(self) -> None:
        """Download what is in S3."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                if item["Key"].endswith("/"):  # a folder, as the console makes them
                    continue
                path = inside(self.folder, item["Key"].removeprefix(self.prefix))
                path.parent.mkdir(parents=True, exist_ok=True)
                download(self._s3, self.bucket, item["Key"], path)
