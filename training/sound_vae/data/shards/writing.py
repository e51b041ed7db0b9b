"""Prepares the files of one machine, shard by shard.

    todo = shards_of(read_todo(plan), prepared, "run-algo-1")
    for shard, error in write_shards(todo, prepared, sounds=..., shards=..., parts=...): ...

A shard appears whole, and its part of the manifest after it: whoever is stopped half-way has done
all shards that are there. Where recordings were cut into so many clips that it would be too large,
it has further volumes, which are shards like others: `run-algo-1-00000-1.tfrecord`. All clips of a
file are in one of them.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.clips import decode
from sound_vae.data.dataset import each_spectrogram, frames_of
from sound_vae.data.folder import label_of
from sound_vae.data.long_recordings import file_and_part
from sound_vae.data.report import DataReport
from sound_vae.data.shards.layout import Prepared, shard_bytes
from sound_vae.data.shards.part import Clip, Head, write_part
from sound_vae.data.shards.planning import Listed
from sound_vae.data.shards.record import AFTER, BEFORE, example
from sound_vae.data.shards.sharing import Shard
from sound_vae.model.spectrogram import Transform

FILES_AT_ONCE = 256  # that are decoded before they are transformed
BYTES_AT_ONCE = 2**25  # of these files, unless one alone has more: five minutes of 16 bits


def write_shards(
    todo: Iterable[Shard],
    prepared: Prepared,
    *,
    sounds: Path,
    shards: Path,
    parts: Path,
    before: Callable[[Shard], None] = lambda shard: None,
) -> Iterator[tuple[Shard, Exception | None]]:
    """Yield each shard when it is done, with what went wrong if it failed; the others go on."""
    for shard in todo:
        before(shard)
        try:
            _write(shard, prepared, sounds, shards, parts)
        except Exception as error:  # one shard's misfortune is not the other's
            yield shard, error
        else:
            yield shard, None


@dataclass
class _Volume:
    """A shard that is being written, and the lines of its part."""

    writer: tf.io.TFRecordWriter
    size: int = 0  # bytes
    lines: list[tuple[str, str, Clip | str]] = field(default_factory=list)

    def add(self, file: Listed, clip: Clip, record: bytes) -> None:
        """Add a clip, which lies nowhere yet."""
        self.writer.write(record)
        size = BEFORE + len(record) + AFTER
        self.lines.append((*file, clip._replace(offset=self.size, size=size)))
        self.size += size


@contextmanager
def _volume(name: str, shards: Path, parts: Path) -> Iterator[_Volume]:
    """Write a shard and its part, which are there when nothing went wrong."""
    # beside the folders that are uploaded while this goes on: a rename makes it whole
    with tempfile.TemporaryDirectory(dir=shards.parent) as scratch:
        unfinished, part = Path(scratch, name), Path(scratch, f"{name}.jsonl")
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            volume = _Volume(writer)
            yield volume
        write_part(part, Head(name, volume.size), volume.lines)
        unfinished.rename(shards / name)
        part.rename(parts / part.name)


def _write(shard: Shard, prepared: Prepared, sounds: Path, shards: Path, parts: Path) -> None:
    remaining = _some(shard.files, sounds)
    files = next(remaining, None)
    for number in count():
        if not files:
            return
        with _volume(shard.volume(number), shards, parts) as volume:
            # twice, as names and check sums come on top of what the shard was planned by
            while files and volume.size < 2 * shard_bytes():
                _prepare(files, prepared, sounds, volume)
                files = next(remaining, None)


def _some(files: Iterable[Listed], sounds: Path) -> Iterator[list[Listed]]:
    """Yield as many files as are decoded at once."""
    chosen: list[Listed] = []
    size = 0
    for file in files:
        more = (sounds / file.name).stat().st_size
        if chosen and (len(chosen) == FILES_AT_ONCE or size + more > BYTES_AT_ONCE):
            yield chosen
            chosen, size = [], 0
        chosen.append(file)
        size += more
    if chosen:
        yield chosen


def _prepare(files: list[Listed], prepared: Prepared, sounds: Path, volume: _Volume) -> None:
    """Add the files' clips, and why files have none."""
    framing = prepared.framing
    transform = Transform(**framing.to_json())
    by_name = {file.name: file for file in files}
    spool = decode(
        sounds,
        list(by_name),
        trim_db=prepared.trim_db,
        most_seconds=prepared.most_seconds,
        cut_long=prepared.cut_long,
    )
    volume.lines += [(*by_name[name], reason) for name, reason in spool.skipped]
    if not spool.names:
        return
    clips = spool.clips(prepared.samples, framing.sample_rate, DataReport())
    spectrograms: dict[int, np.ndarray] = {}
    each_spectrogram(clips, transform, spectrograms.__setitem__)
    for number, name in enumerate(spool.names):
        length = int(clips.lengths[number])
        frames = frames_of(length, transform)
        values = spectrograms.pop(number)[:frames]
        file_name, part = file_and_part(name)
        file = by_name[file_name]
        record = example(name, label_of(name), file.etag, min(length, clips.samples), values)
        samples, rate, channels = (
            int(of[number]) for of in (spool.lengths, spool.rates, spool.channels)
        )
        volume.add(file, Clip(0, 0, frames, samples, rate, channels, part), record)
