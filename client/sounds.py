"""A folder of sounds: what a training run would use of it, and its way into the bucket."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.failure import Failure
from client.stack import Stack

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "audio/"
AT_ONCE = 16  # uploads; most of the time they wait


@dataclass(frozen=True)
class Folder:
    """What the training script's own reader says of a folder."""

    path: Path
    names: list[str]  # paths below it of the sounds that will be used
    skipped: list[tuple[str, str]]  # path, reason
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
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": training}, capture_output=True, text=True
        )
        try:
            said = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError) as error:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Failure(f"{path} could not be read: {last}") from error
        if "error" in said:
            raise Failure(said["error"])
        return cls(
            path,
            said["names"],
            [(name, reason) for name, reason in said["skipped"]],
            said["labels"],
            said["warnings"],
            said["sample_rate"],
            said["clip_seconds"],
        )

    def reasons(self) -> dict[str, list[str]]:
        """Files that were skipped, by their reason."""
        found: dict[str, list[str]] = {}
        for name, reason in self.skipped:
            found.setdefault(reason, []).append(name)
        return found


@dataclass(frozen=True)
class Sent:
    """A file's outcome: whether it had to be sent, or was in the bucket already."""

    name: str
    new: bool
    bytes: int


def upload(stack: Stack, folder: Path, names: list[str]) -> Generator[Sent, None, None]:
    """Send files below `audio/`, each with a checksum that S3 verifies; what is there stays.

    A file counts as there when its size and the MD5 that S3 keeps as its ETag agree, or else the
    SHA-256 that this function sent with it, so an upload that was cut short goes on where it was.
    """
    s3 = stack.client("s3")
    there = _objects(s3, stack.bucket)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sending = [pool.submit(_send, s3, stack.bucket, folder, name, there) for name in names]
        try:
            for outcome in as_completed(sending):
                yield outcome.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def extra_objects(stack: Stack, names: list[str]) -> list[str]:
    """Keys below `audio/` that are none of these files: they are trained on as well."""
    wanted = {PREFIX + name for name in names}
    return sorted(set(_objects(stack.client("s3"), stack.bucket)) - wanted)


def _objects(s3: Any, bucket: str) -> dict[str, dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    return {thing["Key"]: thing for page in pages for thing in page.get("Contents", [])}


def _send(s3: Any, bucket: str, folder: Path, name: str, there: dict[str, Any]) -> Sent:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise Failure(f"{folder / name} cannot be read any more: {error.strerror}.") from error
    key, size = PREFIX + name, len(content)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    known = there.get(key)
    if known and known["Size"] == size and _same(s3, bucket, key, known, content, digest):
        return Sent(name, False, size)
    s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumSHA256=digest)
    return Sent(name, True, size)


def _same(
    s3: Any, bucket: str, key: str, known: dict[str, Any], content: bytes, digest: str
) -> bool:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if known["ETag"].strip('"') == md5:
        return True
    # with a KMS key the ETag is no MD5, so S3 is asked for the checksum that it keeps
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    return head.get("ChecksumSHA256") == digest
