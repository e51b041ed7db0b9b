"""A free data set to try everything with: `soundvae fetch fsdd`.

The Free Spoken Digit Dataset at one revision, in a folder for each word, checked file by file. A
download that was cut short goes on where it was; the folder appears when all of it is there.
"""

import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from client.failure import Failure

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RECORDING = re.compile(r"[^/]+/recordings/((\d)_\w+_\d+\.wav)")
SECONDS = 30  # without a byte, after which the connection counts as lost
CHUNK = 1 << 16


@dataclass(frozen=True)
class Source:
    """Where the recordings are, and what they must be."""

    url: str
    sha256: str  # of lines "<sha256 of a file>  <name>\n", by name, as `sha256sum *.wav` prints


FSDD = Source(
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1.tar.gz",
    "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959",
)


def fetch(folder: Path, source: Source = FSDD) -> Iterator[tuple[int, int | None]]:
    """Download and unpack; yields bytes that are there and, if known, how many there will be.

    Raises `Failure` when there is no network, or when the content is not what it must be.
    """
    if folder.exists():
        raise Failure(f"{folder} exists already: remove it, or choose another folder with -o.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive = folder.with_name(f".{folder.name}-unfinished.tar.gz")
    yield from _download(source.url, archive)
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        found = _unpack(archive, unfinished)
        if found != source.sha256:
            raise Failure(
                f"{source.url} holds other recordings than it should: run the command again, and "
                "if that does not help, tell the project."
            )
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        archive.unlink(missing_ok=True)


def _download(url: str, archive: Path) -> Iterator[tuple[int, int | None]]:
    there = archive.stat().st_size if archive.exists() else 0
    headers = {"Range": f"bytes={there}-"} if there else {}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=SECONDS) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # all of it is there
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            there = there if goes_on else 0
            length = answer.headers.get("Content-Length")
            total = there + int(length) if length else None
            with archive.open("ab" if goes_on else "wb") as file:
                for part in answer.iter_content(CHUNK):
                    file.write(part)
                    there += len(part)
                    yield there, total
    except requests.HTTPError as error:
        raise Failure(f"{url} answers with {error.response.status_code}.") from error
    except requests.RequestException as error:
        if not there:
            raise Failure(f"{_host(url)} could not be reached: is there a network?") from error
        raise Failure(
            f"The download stopped after {there / 1e6:.1f} MB. "
            "Run the command again: it goes on from there."
        ) from error
    if total is not None and there < total:
        raise Failure(
            f"The download stopped after {there / 1e6:.1f} of {total / 1e6:.1f} MB. "
            "Run the command again: it goes on from there."
        )


def _unpack(archive: Path, folder: Path) -> str:
    """Write the recordings into a folder for each word; give the digest of them all."""
    sums: dict[str, str] = {}
    try:
        with tarfile.open(archive) as content:
            for entry in content:
                named = RECORDING.fullmatch(entry.name)
                file = content.extractfile(entry) if named and entry.isfile() else None
                if named and file:
                    data = file.read()
                    sums[named[1]] = hashlib.sha256(data).hexdigest()
                    place = folder / WORDS[int(named[2])] / named[1]
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(data)
    except (tarfile.TarError, EOFError, OSError, io.UnsupportedOperation) as error:
        raise Failure(
            f"What was downloaded is damaged ({error}): run the command again."
        ) from error
    lines = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()


def _host(url: str) -> str:
    return url.split("/")[2]
