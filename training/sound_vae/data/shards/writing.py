"""Prepares the files of one machine, shard by shard.

    todo = shards_of(read_todo(plan), prepared, "run-algo-1")
    for shard, error in write_shards(todo, prepared, sounds=..., shards=..., parts=...): ...

A shard appears whole, and its part of the manifest after it: whoever is stopped half-way has done
all shards that are there.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.clips import decode
from sound_vae.data.dataset import each_spectrogram, frames_of
from sound_vae.data.folder import label_of
from sound_vae.data.report import DataReport
from sound_vae.data.shards.layout import Prepared
from sound_vae.data.shards.part import Clip, Head, write_part
from sound_vae.data.shards.planning import Listed
from sound_vae.data.shards.record import AFTER, BEFORE, example
from sound_vae.data.shards.sharing import Shard
from sound_vae.model.spectrogram import Transform

AT_ONCE = 256  # files that are decoded before they are transformed


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


def _write(shard: Shard, prepared: Prepared, sounds: Path, shards: Path, parts: Path) -> None:
    lines: list[tuple[str, str, Clip | str]] = []
    # beside the folders that are uploaded while this goes on: a rename makes it whole
    with tempfile.TemporaryDirectory(dir=shards.parent) as scratch:
        unfinished = Path(scratch, shard.name)
        offset = 0
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for start in range(0, len(shard.files), AT_ONCE):
                for file, outcome, record in _prepare(
                    shard.files[start : start + AT_ONCE], prepared, sounds
                ):
                    if isinstance(outcome, str):
                        lines.append((*file, outcome))
                        continue
                    writer.write(record)
                    size = BEFORE + len(record) + AFTER
                    lines.append((*file, outcome._replace(offset=offset, size=size)))
                    offset += size
        part = Path(scratch, f"{shard.name}.jsonl")
        write_part(part, Head(shard.name, offset), lines)
        unfinished.rename(shards / shard.name)
        part.rename(parts / part.name)


def _prepare(
    files: list[Listed], prepared: Prepared, sounds: Path
) -> Iterator[tuple[Listed, Clip | str, bytes]]:
    """Yield each file with its clip, which lies nowhere yet, and record, or why it has none."""
    framing = prepared.framing
    transform = Transform(**framing.to_json())
    by_name = {file.name: file for file in files}
    spool = decode(
        sounds, list(by_name), trim_db=prepared.trim_db, most_seconds=prepared.most_seconds
    )
    for name, reason in spool.skipped:
        yield by_name[name], reason, b""
    if not spool.names:
        return
    clips = spool.clips(prepared.samples, framing.sample_rate, DataReport())
    spectrograms: dict[int, np.ndarray] = {}
    each_spectrogram(clips, transform, spectrograms.__setitem__)
    for number, name in enumerate(spool.names):
        length = int(clips.lengths[number])
        frames = frames_of(length, transform)
        values = spectrograms.pop(number)[:frames]
        file = by_name[name]
        record = example(name, label_of(name), file.etag, min(length, clips.samples), values)
        about = (spool.lengths[number], spool.rates[number], spool.channels[number])
        yield file, Clip(0, 0, frames, *map(int, about)), record
