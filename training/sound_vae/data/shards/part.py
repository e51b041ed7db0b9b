"""The part of the manifest that belongs to one shard: a line for each of its files, by name.

The first line names the shard and its size. A clip's line says where its record lies and what its
file was like, a skipped file's why it was skipped. Parts are read line by line: there may be
millions.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Clip(NamedTuple):
    """Where a clip lies in its shard, and what its file was like."""

    offset: int  # of the record, in bytes
    size: int  # of the record, in bytes
    frames: int
    length: int  # samples of the file at its own rate, without its silence
    rate: int  # Hz
    channels: int


class Entry(NamedTuple):
    """A line of a part."""

    name: str  # path below the data folder
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
    """Write lines of name, ETag, and clip or reason, in the order of the names."""
    with file.open("w", encoding="utf-8") as part:
        part.write(json.dumps(head._asdict()) + "\n")
        for name, etag, outcome in sorted(lines, key=lambda line: line[0]):
            rest = [outcome] if isinstance(outcome, str) else outcome
            part.write(json.dumps([name, etag, *rest], ensure_ascii=False) + "\n")


def read_head(file: Path) -> Head:
    """Read which shard the part is of."""
    with file.open(encoding="utf-8") as part:
        return Head(**json.loads(part.readline()))


def read_part(file: Path) -> Iterator[Entry]:
    """Yield the lines in the order of the names."""
    with file.open(encoding="utf-8") as part:
        shard = json.loads(part.readline())["shard"]
        for row, line in enumerate(part):
            name, etag, *rest = json.loads(line)
            yield _entry(name, etag, shard, row, rest)


def _entry(name: str, etag: str, shard: str, row: int, rest: list[Any]) -> Entry:
    if len(rest) == 1:
        return Entry(name, etag, shard, row, None, rest[0])
    return Entry(name, etag, shard, row, Clip(*rest))
