"""A data folder as spectrograms with labels, and its split into training and validation clips."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sound_vae.data.clips import Clips
from sound_vae.data.contents import NO_LABEL, Contents, enough_room, read_contents
from sound_vae.data.exchange import Exchange, alone
from sound_vae.data.folder import label_of
from sound_vae.data.long_recordings import Part, file_and_part, file_of
from sound_vae.data.low_notes import ENOUGH, share_of_low_notes
from sound_vae.data.names import Names
from sound_vae.data.report import DataError, DataReport
from sound_vae.data.shards.catalogue import Catalogue, read_catalogue
from sound_vae.data.shards.layout import manifest_of
from sound_vae.data.shards.values import Shards
from sound_vae.data.streaming import Rows, Scratch, batches, bounded_map, subsample
from sound_vae.model.excitation import lowest_note
from sound_vae.model.spectrogram import Transform

BATCH, NEIGHBOURS = 64, 1024  # clips
MOST_COPIED = 2**30  # bytes of spectrograms out of shards; more are read where they lie


@dataclass(frozen=True)
class Dataset:
    """Clips as spectrograms with their labels; a subset of a Dataset is a Dataset."""

    clips: Rows  # (clips, frames, bins), float16 in 0..1; indexing reads them, maybe from a file
    names: Sequence[str]
    label_ids: np.ndarray  # (clips,), index into labels or NO_LABEL
    labels: list[str]  # sorted; empty when the data is unlabelled
    transform: Transform
    report: DataReport = field(default_factory=DataReport)  # on all files that were found

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        transform: Transform,
        label_ids: np.ndarray | None = None,
        labels: Sequence[str] = (),
    ) -> "Dataset":
        """Wrap an array (clips, frames, bins); without label ids nothing has a label."""
        if label_ids is None:
            label_ids = np.full(len(values), NO_LABEL)
        names = Names(map(str, range(len(values))))
        rows = Rows(values, np.arange(len(values)))
        return cls(rows, names, label_ids, list(labels), transform)

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, numbers: np.ndarray) -> "Dataset":
        """Select the clips of these indices, without reading them yet."""
        names = Names.of(self.names)[numbers]
        return replace(
            self, clips=Rows(self.clips, numbers), names=names, label_ids=self.label_ids[numbers]
        )

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """Give one epoch's order of the clips' indices, (clips,): mixed, and quick to read."""
        return self.clips.order(rng)

    def split(self, share: float) -> tuple["Dataset", "Dataset"]:
        """Split into training and validation clips; the latter are about this share of all.

        The split depends on names alone, so a clip stays on its side when the folder grows, and
        all pieces of a recording are on one. Of a single recording the end is held back. Raises
        DataError when there are fewer than two clips.
        """
        if len(self) < 2:
            raise DataError(f"one clip ({self.names[0]}) is too few: training needs at least two")
        ranks = np.fromiter((_rank(file_of(name)) for name in self.names), float, len(self))
        validation = _held_back(ranks, share)
        return self.subset(np.flatnonzero(~validation)), self.subset(np.flatnonzero(validation))

    def labelled(self) -> "Dataset":
        """Select the clips that have a label."""
        return self.subset(np.flatnonzero(self.label_ids != NO_LABEL))

    def of_labels(self, labels: Sequence[str]) -> "Dataset":
        """Select the clips that have one of these labels; label ids stay the same."""
        kept = [self.labels.index(label) for label in labels]
        return self.subset(np.flatnonzero(np.isin(self.label_ids, kept)))

    def relabelled(self, labels: Sequence[str]) -> "Dataset":
        """Renumber the labels by another list, which must hold each of them."""
        used = [i for i in np.unique(self.label_ids) if i != NO_LABEL]
        ids = np.full(len(self.labels) + 1, NO_LABEL)  # the last stands for NO_LABEL, -1
        ids[used] = [labels.index(self.labels[i]) for i in used]
        return replace(self, label_ids=ids[self.label_ids], labels=list(labels))

    def labelled_by_names(self, labels: Sequence[str]) -> "Dataset":
        """Take the labels from the names, if they are among these."""
        index = {label: i for i, label in enumerate(labels)}
        ids = (index.get(label_of(name) or "", NO_LABEL) for name in self.names)
        return replace(self, label_ids=np.fromiter(ids, int, len(self)), labels=list(labels))

    def subsample(self, most: int, seed: int) -> "Dataset":
        """Draw at most `most` random clips; all of them if there are no more."""
        return self.subset(subsample(np.arange(len(self)), most, seed))


def read_dataset(folder: Path, *, exchange: Exchange = alone, **chosen: Any) -> Dataset:
    """Read a folder as `read_contents` does, which says what can be chosen, and transform it.

    A folder of shards, with its manifest beside it, holds what was prepared. Raises DataError with
    a sentence when the folder cannot be trained on.
    """
    if manifest := manifest_of(folder):
        return _prepared(read_catalogue(folder, manifest, **chosen), folder)
    contents = read_contents(folder, exchange=exchange, **chosen)
    transform = transform_for(contents, exchange=exchange, **chosen)
    values = contents.clips
    if isinstance(values, Clips):
        with enough_room(folder):
            values = transform_clips(values, transform)
    rows = Rows(values, np.arange(len(contents.names)))
    return Dataset(
        rows, contents.names, contents.label_ids, contents.labels, transform, contents.report
    )


def transform_for(contents: Contents, *, exchange: Exchange = alone, **chosen: Any) -> Transform:
    """Give the transform of the contents, with a longer window where low notes need it.

    What was `chosen` for `read_contents` decides whether it may; the report says so.
    """
    transform = Transform(**contents.framing.to_json())
    if not isinstance(contents.clips, Clips):
        return transform
    if chosen.get("n_fft") is None and chosen.get("hop_length") is None:
        return _long_enough(contents.clips, transform, contents.report, exchange)
    return transform


def _prepared(catalogue: Catalogue, folder: Path) -> Dataset:
    """Wrap what lies in shards; a little of it is copied, in the order of the files' names."""
    shards, names, label_ids = catalogue.shards, catalogue.names, catalogue.label_ids
    transform = Transform(**catalogue.framing.to_json())
    values: np.ndarray | Shards = shards
    if math.prod(shards.shape) * shards.dtype.itemsize <= MOST_COPIED:
        by_name = np.array(sorted(range(len(names)), key=lambda clip: _as_listed(names[clip])))
        names, label_ids = names[by_name], label_ids[by_name]
        with enough_room(folder):
            scratch = Scratch(shards.shape, np.float16)
            row_of = np.argsort(by_name)
            for part in batches(shards):
                for row, clip in zip(row_of[part], shards[part], strict=True):
                    scratch.write(int(row), clip)
            values = scratch.array()
    rows = Rows(values, np.arange(len(names)))
    return Dataset(rows, names, label_ids, catalogue.labels, transform, catalogue.report)


def _as_listed(name: str) -> tuple[list[str], Part | tuple[()]]:
    """Give what sorts clips as a folder of files that is read: by path, pieces by their time."""
    file, part = file_and_part(name)
    return file.split("/"), part or ()


def _long_enough(
    clips: Clips, transform: Transform, report: DataReport, exchange: Exchange
) -> Transform:
    """Take a window twice as long for notes that need it, and say so."""
    seconds = clips.samples / clips.sample_rate
    longer = Transform.choose(clips.sample_rate, seconds, n_fft=2 * transform.n_fft)
    lowest = lowest_note(transform)
    shares = exchange(share_of_low_notes(clips, lowest, longer))
    if sum(shares) / len(shares) <= ENOUGH:
        return transform
    milliseconds = 1000 * longer.n_fft / longer.sample_rate
    report.notes.append(
        f"notes below {lowest:.0f} Hz: the window is {milliseconds:.0f} ms long, n_fft "
        f"{longer.n_fft}"
    )
    return longer


def transform_clips(clips: Clips, transform: Transform) -> np.ndarray:
    """Transform all clips to (clips, frames, bins), float16 in a file."""
    scratch = Scratch((len(clips.names), transform.frames, transform.bins), np.float16)
    each_spectrogram(clips, transform, scratch.write)
    return scratch.array()


def each_spectrogram(
    clips: Clips, transform: Transform, keep: Callable[[int, np.ndarray], None]
) -> None:
    """Hand each clip's index and spectrogram (frames, bins) to `keep`, in several threads.

    A batch holds clips of similar length and is transformed up to the end of the longest; the
    silence after it would be 0.
    """
    graph = _graph(transform)

    def fill(rows: np.ndarray) -> None:
        frames = frames_of(int(clips.lengths[rows].max()), transform)
        part = graph(clips.waves(rows, frames * transform.hop_length)).numpy()
        for row, values in zip(rows, part, strict=True):
            keep(row, values[:frames])

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for _ in bounded_map(pool, fill, _by_length(clips.lengths), threads):
            pass


def frames_of(length: int, transform: Transform) -> int:
    """Count the frames that hear something of a sound of so many samples, as windows reach."""
    return min(math.ceil((length + transform.n_fft // 2) / transform.hop_length), transform.frames)


@lru_cache(maxsize=4)
def _graph(transform: Transform) -> tf.types.experimental.GenericFunction:
    return tf.function(
        lambda waves: tf.cast(transform.spectrogram(waves), tf.float16),
        input_signature=[tf.TensorSpec([None, None])],
    )


def _by_length(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield batches of indices of clips of similar length that lie near each other in the file."""
    for start in range(0, len(lengths), NEIGHBOURS):
        order = start + np.argsort(lengths[start : start + NEIGHBOURS], kind="stable")
        for i in range(0, len(order), BATCH):
            yield order[i : i + BATCH]


def _held_back(ranks: np.ndarray, share: float) -> np.ndarray:
    """Choose about this share of clips (clips,) by the ranks of their files, some of each side."""
    if (ranks[1:] == ranks[:-1]).any():  # pieces
        _, file, pieces = np.unique(ranks, return_inverse=True, return_counts=True)
        if len(pieces) == 1:
            return np.arange(len(ranks)) >= len(ranks) - max(round(share * len(ranks)), 1)
        more_than_all = (pieces > 1) & (pieces > share * len(ranks))
        if not more_than_all.all():  # such a recording is learnt from
            ranks = np.where(more_than_all[file], 1.0, ranks)
    validation = ranks < share
    if not validation.any():
        validation = ranks == ranks.min()
    if validation.all():
        validation = ranks < ranks.max()
    return validation


def _rank(name: str) -> float:
    """Hash a name to a number in 0..1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
