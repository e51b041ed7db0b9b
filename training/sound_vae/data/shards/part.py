"""The part of the manifest that belongs to one shard: a line for each of its clips, by file.

The first line names the shard and its size. A clip's line says where its record lies and what its
file was like, a skipped file's why it was skipped. A recording that was cut has a line for each
piece. Parts are read line by line: there may be millions.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sound_vae.data.long_recordings import Part


class Clip(NamedTuple):
    """Where a clip lies in its shard, and what its file was like."""

    offset: int  # of the record, in bytes
    size: int  # of the record, in bytes
    frames: int
    length: int  # samples at the file's own rate, without silence
    rate: int  # Hz
    channels: int
    part: Part | None = None  # of the file, where that was cut


class Entry(NamedTuple):
    """A line of a part."""

    name: str  # of the file: path below the data folder
    etag: str
    shard: str
    row: int  # number of the line
    clip: Clip | None
    reason: str = ""  # why the file was skipped


class Head(NamedTuple):
    """The first line."""

    shard: str  # name of the file
    size: int  # bytes


def write_part(file: Path, head: Head, lines: Iterable[tuple[str, str, Clip | str]]) -> None:
    """Write lines of file, ETag, and clip or reason, in the order of the files."""
    with file.open("w", encoding="utf-8") as part:
        part.write(json.dumps(head._asdict()) + "\n")
        for name, etag, outcome in sorted(lines, key=lambda line: line[0]):
            rest = (
                [outcome] if isinstance(outcome, str) else outcome[: None if outcome.part else -1]
            )
            part.write(json.dumps([name, etag, *rest], ensure_ascii=False) + "\n")


def read_head(file: Path) -> Head:
    """Read which shard the part is of."""
    with file.open(encoding="utf-8") as part:
        return Head(**json.loads(part.readline()))


def read_part(file: Path) -> Iterator[Entry]:
    """Yield the lines in the order of the files, pieces of one as they follow each other."""
    with file.open(encoding="utf-8") as part:
        shard = json.loads(part.readline())["shard"]
        for row, line in enumerate(part):
            name, etag, *rest = json.loads(line)
            yield _entry(name, etag, shard, row, rest)


def _entry(name: str, etag: str, shard: str, row: int, rest: list[Any]) -> Entry:
    if len(rest) == 1:
        return Entry(name, etag, shard, row, None, rest[0])
    *clip, part = rest if len(rest) == len(Clip._fields) else [*rest, None]
    return Entry(name, etag, shard, row, Clip(*clip)._replace(part=part and Part(*part)))
