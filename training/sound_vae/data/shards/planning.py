"""What has to be prepared: the folder as it is, against what was prepared of it before.

    plan = make_plan(listing, parts, folder)    # writes the plan and what no longer holds

Both are read in the order of the names, side by side, so memory does not grow with them.
"""

import hashlib
import heapq
import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from sound_vae.data.folder import is_sound
from sound_vae.data.report import DataError
from sound_vae.data.shards.layout import ALL, LISTING, S3_MANIFEST, STALE, TODO
from sound_vae.data.shards.part import Entry, read_part

MOST_LOOKED_AT = 8192  # sounds that decide rate, length and window
MOST_OTHERS = 10_000  # files that are no sounds, of which each is named in the report
BUCKETS = 256  # files that are shuffled one after the other


class Listed(NamedTuple):
    """A file of the folder."""

    name: str  # path below the folder
    etag: str


@dataclass
class Plan:
    """What a look at the folder found."""

    files: int = 0  # sounds and others
    sounds: int = 0
    todo: int = 0
    kept: int = 0  # prepared before, and unchanged
    dropped: int = 0  # prepared before, and gone
    others: list[tuple[str, str]] = field(default_factory=list)  # (file, why it is no sound)
    sample: "Sample" = field(default_factory=lambda: Sample(MOST_LOOKED_AT))
    stale: dict[str, array] = field(default_factory=dict)  # shard -> lines of its part

    def write(self, manifest: Path, lost: Iterable[str]) -> None:
        """Write what of the manifest depends on the folder; `lost` are shards that are gone."""
        stale: dict[str, Any] = {shard: rows.tolist() for shard, rows in self.stale.items()}
        stale |= dict.fromkeys(lost, ALL)
        (manifest / STALE).write_text(json.dumps(stale), encoding="utf-8")
        listing = {"files": self.files, "sounds": self.sounds, "others": self.others}
        (manifest / LISTING).write_text(json.dumps(listing), encoding="utf-8")


class Sample:
    """Some of the names that it is shown, at equal distances; all if there are no more than so."""

    def __init__(self, most: int) -> None:
        self.most, self.names, self._seen, self._step = most, list[str](), 0, 1

    def see(self, name: str) -> None:
        """Keep the name, or not."""
        if self._seen % self._step == 0:
            self.names.append(name)
        self._seen += 1
        if len(self.names) > self.most:
            self.names, self._step = self.names[::2], 2 * self._step


def make_plan(listing: Iterable[Listed], parts: Sequence[Path], folder: Path, prefix: str) -> Plan:
    """Compare and write the plan into `folder`: what is to be done, in an order without meaning.

    `listing` are all files in the order of their names, `parts` those of shards that are there.
    `prefix` is the folder's URL, for the manifest that SageMaker shares out among instances.
    Raises DataError when the listing is in another order.
    """
    plan = Plan()
    previous = heapq.merge(*map(read_part, parts), key=lambda entry: entry.name)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        buckets = [
            stack.enter_context(Path(scratch, f"{number}").open("w+", encoding="utf-8"))
            for number in range(BUCKETS)
        ]
        for file, is_done in _joined(_sounds(listing, plan), previous, plan):
            plan.sample.see(file.name)
            plan.sounds += 1
            if is_done:
                plan.kept += 1
                continue
            plan.todo += 1
            number = hashlib.sha256(file.name.encode()).digest()[0] % BUCKETS
            buckets[number].write(json.dumps(file) + "\n")
        _write(buckets, folder, prefix)
    return plan


def read_todo(folder: Path) -> Iterator[Listed]:
    """Yield what is to be done, in the plan's order."""
    with (folder / TODO).open(encoding="utf-8") as lines:
        for line in lines:
            yield Listed(*json.loads(line))


def _sounds(listing: Iterable[Listed], plan: Plan) -> Iterator[Listed]:
    """Yield the sounds, and note what else there is."""
    before = ""
    for file in listing:
        if file.name < before:
            raise DataError(f"the folder is not listed in order: {file.name} after {before}")
        before = file.name
        steps = file.name.split("/")
        if any(step.startswith(".") and step not in (".", "..") for step in steps):
            continue  # hidden, as in a folder that is read without preparing
        plan.files += 1
        why = ""
        if "" in steps or "." in steps or ".." in steps:
            why = "its key is no path below the folder"
        elif not is_sound(file.name):
            why = f"{Path(file.name).suffix.lower() or 'a file without an ending'} is not a sound"
        if not why:
            yield file
        elif len(plan.others) < MOST_OTHERS:
            plan.others.append((file.name, why))


def _joined(
    listing: Iterable[Listed], previous: Iterator[Entry], plan: Plan
) -> Iterator[tuple[Listed, bool]]:
    """Yield each file, and whether it is prepared already; note lines that no longer hold.

    A file that was cut has several lines, all in one shard.
    """
    entry = next(previous, None)

    def pass_by(entry: Entry) -> Entry | None:
        plan.stale.setdefault(entry.shard, array("i")).append(entry.row)
        return next(previous, None)

    gone = ""
    for file in listing:
        while entry and entry.name < file.name:
            plan.dropped += entry.name != gone
            gone = entry.name
            entry = pass_by(entry)
        shard = ""
        while entry and entry.name == file.name:
            if entry.etag == file.etag and shard in ("", entry.shard):
                shard, entry = entry.shard, next(previous, None)
            else:
                entry = pass_by(entry)
        yield file, bool(shard)
    while entry:
        plan.dropped += entry.name != gone
        gone = entry.name
        entry = pass_by(entry)


def _write(buckets: Sequence[IO[str]], folder: Path, prefix: str) -> None:
    """Write the files to prepare, bucket by bucket and each in the order of the names' hashes."""
    with (
        (folder / TODO).open("w", encoding="utf-8") as todo,
        (folder / S3_MANIFEST).open("w", encoding="utf-8") as manifest,
    ):
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
        manifest.write(json.dumps([{"prefix": prefix}])[:-1])
        for bucket in buckets:
            bucket.seek(0)
            for line in sorted(bucket, key=_by_hash):
                todo.write(line)
                manifest.write(f",\n{json.dumps(json.loads(line)[0])}")
        manifest.write("]\n")


def _by_hash(line: str) -> bytes:
    return hashlib.sha256(json.loads(line)[0].encode()).digest()
