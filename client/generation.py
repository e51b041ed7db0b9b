"""Sounds in bulk: what an execution is told, and what its archives hold.

    upload_requests(stack, Path("wishes.jsonl"))     -> "requests/wishes-1a2b3c4d/"
    wish(labels=["seven=1000", "three=500"], ...)    -> the value of `generate`
    fetch(stack, run, Path("sounds"))                WAV files by label, and index.jsonl

A file of requests in the bucket is one request to the model, so what is uploaded is split: each
machine has several files to work on, and one that is cut short loses no more than a file.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.failure import Failure
from client.pack import folder_names
from client.stack import Stack

REQUESTS, GENERATED = "requests/", "generated/"  # folders of the bucket
LINES_PER_FILE, FILE_BYTES = 200, 5_000_000  # of requests; a file may have 6 MB
MOST_FILES = 1500  # of one run
AT_ONCE = 4  # uploads and downloads; an archive may have 256 MB
SUFFIX = ".out"  # of an archive


@dataclass(frozen=True)
class Done:
    """An archive that has been unpacked."""

    sounds: int
    refused: int
    new: bool


def wish(
    labels: Iterable[str],
    count: int | None,
    requests: str | None,
    resume: str | None,
    seed: int | None,
    temperature: float | None,
) -> dict[str, Any]:
    """Say what is wanted as an execution's input does; raises `Failure` for what is no wish."""
    counts = {}
    for text in labels:
        label, _, number = text.rpartition("=")
        if not label or not number.isdecimal():
            raise Failure(f"{text!r} is no wish: write label=count, as in seven=1000.")
        counts[label] = int(number)
    ways = {"labels": counts, "count": count, "requests": requests, "resume": resume}
    chosen = {name: value for name, value in ways.items() if value}
    if len(chosen) != 1:
        raise Failure(
            "Say in one way what is wanted: LABEL=COUNT, --count, --requests FILE or --resume RUN."
        )
    extras = {"seed": seed, "temperature": temperature}
    return chosen | {name: value for name, value in extras.items() if value is not None}


def split(content: bytes) -> list[bytes]:
    """Split JSON lines into files that are large enough for a machine, and not too large."""
    files, lines = [b""], 0
    for line in content.splitlines():
        if not line.strip():
            continue
        if lines == LINES_PER_FILE or (files[-1] and len(files[-1]) + len(line) > FILE_BYTES):
            files, lines = [*files, b""], 0
        files[-1] += line + b"\n"
        lines += 1
    return files if files[0] else []


def upload_requests(stack: Stack, file: Path) -> str:
    """Put a file of requests into the bucket, in parts; give the folder.

    The same content has the same folder. Raises `Failure` when there is nothing in the file, or too
    much.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.") from error
    parts = split(content)
    if not parts:
        raise Failure(f'{file} holds no request: write one a line, such as {{"label": "seven"}}.')
    if len(parts) > MOST_FILES:
        raise Failure(
            f"{file} holds requests for {len(parts)} files of {LINES_PER_FILE} lines, and one run "
            f"takes {MOST_FILES}: give the first ones a larger count, or make several runs."
        )
    name = next(iter(folder_names([file.stem]).values())).replace(" ", "-")
    folder = f"{REQUESTS}{name}-{hashlib.sha256(content).hexdigest()[:8]}/"
    s3 = stack.client("s3")

    def put(number: int) -> None:
        key = f"{folder}{number:05}.jsonl"
        s3.put_object(Bucket=stack.bucket, Key=key, Body=parts[number])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, range(len(parts))))
    return folder


def archives(stack: Stack, run: str) -> list[tuple[str, str]]:
    """List a run's archives: key and ETag, in order; raises `Failure` when there is none."""
    prefix = f"{GENERATED}{run}/sounds/"
    pages = (
        stack.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=stack.bucket, Prefix=prefix)
    )
    found = [(item["Key"], item["ETag"]) for page in pages for item in page.get("Contents", [])]
    if not found:
        raise Failure(
            f"There are no sounds at s3://{stack.bucket}/{prefix}: `run` of the execution's output "
            "has the name."
        )
    return found


def fetch(stack: Stack, run: str, folder: Path, found: list[tuple[str, str]]) -> Iterator[Done]:
    """Unpack archives: LABEL/ARCHIVE-LINE-NUMBER.wav, and index.jsonl with a line for each request.

    What was fetched already is not fetched again. Raises `Failure` when one cannot be read.
    """
    parts = folder / ".parts"  # an index for each archive, until all are there
    parts.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda one: _unpack(stack, folder, parts, *one), found)
    with (folder / "index.jsonl").open("w", encoding="utf-8") as index:
        for key, tag in found:
            index.write(_part(parts, key, tag).read_text(encoding="utf-8"))


def _part(parts: Path, key: str, tag: str) -> Path:
    name = hashlib.sha256(f"{key} {tag}".encode()).hexdigest()[:24]
    return parts / f"{name}.jsonl"


def _unpack(stack: Stack, folder: Path, parts: Path, key: str, tag: str) -> Done:
    part = _part(parts, key, tag)
    if part.exists():
        lines = [json.loads(line) for line in part.read_text(encoding="utf-8").splitlines()]
        return _counted(lines, new=False)
    body = stack.client("s3").get_object(Bucket=stack.bucket, Key=key)["Body"].read()
    name = key.rpartition("/sounds/")[2].removesuffix(SUFFIX).rpartition(".")[0].replace("/", "-")
    try:
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            lines = [json.loads(line) for line in _read(tar, "index.jsonl").splitlines()]
            for line in lines:
                line["archive"] = name
                for sound in line.get("sounds", []):
                    sound["file"] = _write(folder, name, sound, _read(tar, sound["file"]))
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise Failure(f"s3://{stack.bucket}/{key} is no archive of sounds ({error}).") from error
    text = "".join(json.dumps(line) + "\n" for line in lines)
    unfinished = part.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(part)
    return _counted(lines, new=True)


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _write(folder: Path, archive: str, sound: Mapping[str, Any], wav: bytes) -> str:
    """Write a sound below its label; give the path below the folder."""
    label = folder_names([str(sound.get("label") or "sounds")])
    place = folder / next(iter(label.values()))
    place.mkdir(exist_ok=True)
    file = place / f"{archive}-{Path(str(sound['file'])).name}"
    file.write_bytes(wav)
    return file.relative_to(folder).as_posix()


def _counted(lines: list[dict[str, Any]], new: bool) -> Done:
    sounds = sum(len(line.get("sounds", [])) for line in lines)
    return Done(sounds, sum("refused" in line for line in lines), new)
