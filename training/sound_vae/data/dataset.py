"""A data folder as spectrograms with labels, and its split into training and validation clips."""

import errno
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.clips import Clips, read_clips
from sound_vae.data.folder import is_sound, visible_files
from sound_vae.data.prepared import read_prepared
from sound_vae.data.report import DataError, DataReport
from sound_vae.data.streaming import Rows, Scratch, bounded_map, subsample
from sound_vae.data.warnings import about_labels
from sound_vae.model.spectrogram import Transform

NO_LABEL = -1
FEWEST_PER_LABEL = 2  # on average; with fewer the labels are file numbers, not classes
BATCH, NEIGHBOURS = 64, 1024  # clips


@dataclass(frozen=True)
class Dataset:
    """Clips as spectrograms with their labels; a subset of a Dataset is a Dataset."""

    clips: Rows  # (clips, frames, bins), float16 in 0..1; indexing reads them, maybe from a file
    names: list[str]
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
        names = [f"{number}" for number in range(len(values))]
        rows = Rows(values, np.arange(len(values)))
        return cls(rows, names, label_ids, list(labels), transform)

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, numbers: np.ndarray) -> "Dataset":
        """Select the clips of these indices, without reading them yet."""
        names = [self.names[number] for number in numbers]
        return replace(
            self, clips=Rows(self.clips, numbers), names=names, label_ids=self.label_ids[numbers]
        )

    def split(self, share: float) -> tuple["Dataset", "Dataset"]:
        """Split into training and validation clips; the latter are about this share of all.

        The split depends on names alone, so a clip stays on its side when the folder grows.
        Raises DataError when there are fewer than two clips.
        """
        if len(self) < 2:
            raise DataError(f"one clip ({self.names[0]}) is too few: training needs at least two")
        ranks = np.array([_rank(name) for name in self.names])
        validation = ranks < share
        if not validation.any():
            validation[ranks.argmin()] = True
        if validation.all():
            validation[ranks.argmax()] = False
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
        ids = [labels.index(self.labels[i]) if i != NO_LABEL else NO_LABEL for i in self.label_ids]
        return replace(self, label_ids=np.array(ids, int), labels=list(labels))

    def subsample(self, most: int, seed: int) -> "Dataset":
        """Draw at most `most` random clips; all of them if there are no more."""
        return self.subset(subsample(np.arange(len(self)), most, seed))


def read_dataset(
    folder: Path,
    *,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    n_fft: int | None = None,
    hop_length: int | None = None,
    trim_db: float = 45.0,
) -> Dataset:
    """Read sounds, or prepared `.npy` spectrograms where the folder holds those and no sounds.

    Raises DataError with a sentence when the folder cannot be trained on.
    """
    files, refused = visible_files(folder)
    prepared = [name for name in files if name.lower().endswith(".npy")]
    try:
        if prepared and not any(map(is_sound, files)):
            values, names, labels, transform, report = read_prepared(
                folder,
                prepared,
                refused,
                sample_rate=sample_rate,
                n_fft=n_fft,
                hop_length=hop_length,
            )
        else:
            clips = read_clips(
                folder,
                files,
                refused,
                sample_rate=sample_rate,
                clip_seconds=clip_seconds,
                trim_db=trim_db,
            )
            transform = _transform(clips, n_fft, hop_length)
            values = transform_clips(clips, transform)
            names, labels, report = clips.names, clips.labels, clips.report
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DataError(
            f"{tempfile.gettempdir()} is too full for the spectrograms of {folder}: make room "
            "there, or let TMPDIR name a folder on a larger disk"
        ) from error
    classes = _classes(labels, report)
    index = {label: i for i, label in enumerate(classes)}
    label_ids = np.array([index.get(label or "", NO_LABEL) for label in labels])
    clips_of = np.bincount(label_ids[label_ids != NO_LABEL], minlength=len(classes))
    report.labels = dict(zip(classes, clips_of.tolist(), strict=True))
    rows = Rows(values, np.arange(len(names)))
    return Dataset(rows, names, label_ids, classes, transform, report)


def _transform(clips: Clips, n_fft: int | None, hop_length: int | None) -> Transform:
    seconds = clips.samples / clips.sample_rate
    try:
        return Transform.choose(clips.sample_rate, seconds, n_fft=n_fft, hop_length=hop_length)
    except ValueError as error:
        raise DataError(str(error)) from error


def transform_clips(clips: Clips, transform: Transform) -> np.ndarray:
    """Transform all clips to (clips, frames, bins), float16 in a file.

    A batch holds clips of similar length and is transformed up to the end of the longest; the
    silence after it stays 0.
    """
    scratch = Scratch((len(clips.names), transform.frames, transform.bins), np.float16)
    graph = _graph(transform)

    def fill(rows: np.ndarray) -> None:
        longest = clips.lengths[rows].max() + transform.n_fft // 2  # as far as windows reach
        frames = min(math.ceil(longest / transform.hop_length), transform.frames)
        part = graph(clips.waves(rows, frames * transform.hop_length)).numpy()
        for row, values in zip(rows, part, strict=True):
            scratch.write(row, values[:frames])

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for _ in bounded_map(pool, fill, _by_length(clips.lengths), threads):
            pass
    return scratch.array()


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


def _rank(name: str) -> float:
    """Hash a name to a number in 0..1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _classes(labels: list[str | None], report: DataReport) -> list[str]:
    """Pick the labels worth learning: none when most files have none or each has its own."""
    found = sorted({label for label in labels if label})
    labelled = sum(label is not None for label in labels)
    few = labelled * 2 < len(labels) or labelled < FEWEST_PER_LABEL * len(found)
    used = [] if few else found
    report.warnings += about_labels(labelled, len(labels), len(found), used=bool(used))
    if used:
        shown = ", ".join(found[:20]) + (", …" if len(found) > 20 else "")
        report.notes.append(f"{len(found)} labels: {shown}")
    elif not found:
        report.notes.append("unlabelled: no sub-folders and no <label>_ in the file names")
    return used
