"""A folder of a job whose content goes to S3 while the job runs."""

import contextlib
import threading
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

SECONDS_BETWEEN_LOOKS = 0.3


class Mirror:
    """Uploads every change of `folder` to below a prefix, which ends in a slash.

    What is deleted in the folder stays in S3, unless `deletes` is set.
    """

    deletes = False

    def __init__(self, folder: Path, bucket: str, prefix: str, s3: Any) -> None:
        self.folder, self.bucket, self.prefix, self._s3 = folder, bucket, prefix, s3
        self._mirrored: dict[str, tuple[int, int]] = {}  # path -> time and size when uploaded
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._mirror_until_closed, daemon=True)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self.fill()
        self._mirrored = self._present()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._closed.set()
        self._thread.join()
        self.mirror()

    def fill(self) -> None:
        """Put into the empty folder what the job is to find there."""

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
        """Upload what is new or changed."""
        present = self._present()
        for name in [n for n, about in present.items() if self._mirrored.get(n) != about]:
            with contextlib.suppress(FileNotFoundError):
                body = (self.folder / name).read_bytes()
                self._s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body)
        if self.deletes:
            for name in set(self._mirrored) - set(present):
                self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + name)
        self._mirrored = present

    def _mirror_until_closed(self) -> None:
        with contextlib.suppress(ClientError):  # not allowed: the last look says so
            while not self._closed.wait(SECONDS_BETWEEN_LOOKS):
                self.mirror()
