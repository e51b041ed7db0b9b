"""A job's folder of checkpoints, mirrored to S3 while the job runs."""

import contextlib
import threading
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.aws import bucket_and_key
from local.sagemaker.job_folder import download, inside

SECONDS_BETWEEN_LOOKS = 0.3


class Checkpoints:
    """CheckpointConfig: downloads what is in S3, then uploads every change of the folder.

    `config` has S3Uri and perhaps LocalPath, which lies below /opt/ml: here below `base`.
    """

    def __init__(self, config: dict[str, str], base: Path, s3: Any) -> None:
        local = config.get("LocalPath", "/opt/ml/checkpoints")
        self.folder = inside(base, Path(local).relative_to("/opt/ml").as_posix())
        self.bucket, prefix = bucket_and_key(config["S3Uri"])
        self.prefix = prefix.rstrip("/") + "/"
        self._s3 = s3
        self._mirrored: dict[str, tuple[int, int]] = {}  # path -> time and size when uploaded
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._mirror_until_closed, daemon=True)

    def __enter__(self) -> "Checkpoints":
        self.folder.mkdir(parents=True)
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
        self._mirrored = self._present()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._closed.set()
        self._thread.join()
        self.mirror()

    def _present(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in self.folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # renamed in between
                if path.is_file():
                    about = path.stat()
                    name = path.relative_to(self.folder).as_posix()
                    found[name] = (about.st_mtime_ns, about.st_size)
        return found

    def mirror(self) -> None:
        """Upload what is new or changed, delete what is gone."""
        present = self._present()
        for name in [n for n, about in present.items() if self._mirrored.get(n) != about]:
            with contextlib.suppress(FileNotFoundError):
                body = (self.folder / name).read_bytes()
                self._s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body)
        for name in set(self._mirrored) - set(present):
            self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + name)
        self._mirrored = present

    def _mirror_until_closed(self) -> None:
        with contextlib.suppress(ClientError):  # not allowed: the last look says so
            while not self._closed.wait(SECONDS_BETWEEN_LOOKS):
                self.mirror()
