"""A folder of sounds: what a training run would use of it, and its way into the bucket."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from client.failure import Failure
from client.listing import Found, Listing
from client.stack import Stack

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "audio/"
AT_ONCE = 16  # uploads; most of the time they wait
WAITING = 64  # that are handed over
BLOCK = 1 << 20  # bytes of a file that are in memory
# of an object that is sent whole: docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
MOST_GB = 5


class Names(Collection[str]):
    """Names in a file, a line of JSON each, which are read whenever they are needed."""

    def __init__(self, lines: IO[bytes], count: int) -> None:
        self._lines, self._begin, self._count = lines, lines.tell(), count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        at = self._begin
        for _ in range(self._count):
            self._lines.seek(at)
            name = json.loads(self._lines.readline())
            at = self._lines.tell()
            yield name

    def __contains__(self, name: object) -> bool:
        return any(name == one for one in self)


@dataclass(frozen=True)
class Skipped:
    """Files that will not be used, for one reason."""

    reason: str
    files: int
    names: list[str]  # of the first ones


@dataclass(frozen=True)
class Folder:
    """What the training script's own reader says of a folder."""

    path: Path
    names: Collection[str]  # paths below it of the sounds that will be used
    clips: int  # that they give: a long recording gives many
    skipped: list[Skipped]  # the most frequent reason first
    labels: dict[str, int]  # label, number of clips
    warnings: list[str]
    sample_rate: int  # Hz
    clip_seconds: float

    @classmethod
    def read(cls, path: Path) -> "Folder":
        """Read all sounds as the job will; raises `Failure` when there is nothing to train on."""
        if not path.is_dir():
            raise Failure(f"{path} is not a folder: name the one that holds your sounds.")
        command = [sys.executable, "-m", "sound_vae.data", str(path), "--json"]
        training = str(REPOSITORY / "training")
        answer = tempfile.TemporaryFile()  # noqa: SIM115 - the names are read out of it
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": training},
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
        )
        answer.seek(0)
        try:
            said = json.loads(answer.readline())
        except ValueError as error:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Failure(f"{path} could not be read: {last}") from error
        if "error" in said:
            raise Failure(said["error"])
        return cls(
            path,
            Names(answer, said["used"]),
            said["clips"],
            [Skipped(**why) for why in said["skipped"]],
            said["labels"],
            said["warnings"],
            said["sample_rate"],
            said["clip_seconds"],
        )

    @property
    def files_skipped(self) -> int:
        """How many files will not be used."""
        return sum(why.files for why in self.skipped)


@dataclass(frozen=True)
class Sent:
    """A file's outcome: whether it had to be sent, or was in the bucket already."""

    name: str
    new: bool
    bytes: int


def upload(
    stack: Stack, folder: Path, names: Iterable[str], there: Listing | None = None
) -> Generator[Sent, None, None]:
    """Send files below `audio/`, each with a checksum that S3 verifies; what is there stays.

    A file counts as there when its size and the MD5 that S3 keeps as its ETag agree, or else the
    SHA-256 that this function sent with it, so an upload that was cut short goes on where it was.
    What the files are found to be is taken out of the listing `there`, so that the others stay.
    """
    s3 = stack.client("s3")
    there = there or listed(stack)
    sending: deque[Future[Sent]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for name in names:
                known = there.take(PREFIX + name)
                sending.append(pool.submit(_send, s3, stack.bucket, folder, name, known))
                if len(sending) > WAITING:
                    yield sending.popleft().result()
            while sending:
                yield sending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def listed(stack: Stack) -> Listing:
    """List what lies below `audio/`."""
    return Listing(stack.client("s3"), stack.bucket, PREFIX)


def _send(s3: Any, bucket: str, folder: Path, name: str, known: Found | None) -> Sent:
    file = folder / name
    try:
        with file.open("rb") as content:
            size, md5, digest = _sums(content)
            if (
                known
                and known.size == size
                and _same(s3, bucket, PREFIX + name, known, md5, digest)
            ):
                return Sent(name, False, size)
            if size > MOST_GB * 10**9:
                raise Failure(
                    f"{file} has {size / 1e9:.1f} GB, and at most {MOST_GB} are sent at once: cut "
                    "the recording into parts."
                )
            s3.put_object(
                Bucket=bucket,
                Key=PREFIX + name,
                Body=content if size > BLOCK else content.read(),
                ChecksumSHA256=digest,
            )
    except OSError as error:
        raise Failure(f"{file} cannot be read any more: {error.strerror}.") from error
    return Sent(name, True, size)


def _sums(content: BinaryIO) -> tuple[int, str, str]:
    """Give size, MD5 in hexadecimal digits and SHA-256 in base64, and go back to the beginning."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while block := content.read(BLOCK):
        md5.update(block)
        sha256.update(block)
        size += len(block)
    content.seek(0)
    return size, md5.hexdigest(), base64.b64encode(sha256.digest()).decode()


def _same(s3: Any, bucket: str, key: str, known: Found, md5: str, digest: str) -> bool:
    if known.etag == md5:
        return True
    # with a KMS key the ETag is no MD5, so S3 is asked for the checksum that it keeps
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    return head.get("ChecksumSHA256") == digest
