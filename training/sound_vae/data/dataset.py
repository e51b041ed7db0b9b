"""A data folder to spectrograms, labels and a validation split."""

import errno
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.clips import Clips, DataError, Report, is_sound, read_folder, visible_files
from sound_vae.data.prepared import read_prepared
from sound_vae.data.streaming import Rows, Scratch, ahead
from sound_vae.model.spectrogram import Transform

NO_LABEL = -1
FEWEST_PER_LABEL = 2  # on average; with fewer the labels are file numbers, not classes
BATCH, NEIGHBOURS = 64, 1024  # clips


@dataclass
class Dataset:
    """Everything that a training run needs to know about its data."""

    values: np.ndarray  # (clips, frames, bins), float16 in 0..1; may lie in a file
    names: list[str]
    label_ids: np.ndarray  # (clips,), index into labels or NO_LABEL
    labels: list[str]  # sorted; empty when the data is unlabelled
    transform: Transform
    report: Report

    def clips(self, numbers: np.ndarray) -> Rows:
        """Give the spectrograms of some clips without reading them yet."""
        return Rows(self.values, numbers)

    def split(self, validation_split: float) -> tuple[np.ndarray, np.ndarray]:
        """Give the indices of the training and of the validation clips.

        A clip's side depends on its name alone, so it keeps it when the folder grows.
        Raises DataError when there are fewer than two clips.
        """
        if len(self.names) < 2:
            raise DataError(f"one clip ({self.names[0]}) is too few: training needs at least two")
        ranks = np.array([_rank(name) for name in self.names])
        validation = ranks < validation_split
        if not validation.any():
            validation[ranks.argmin()] = True
        if validation.all():
            validation[ranks.argmax()] = False
        return np.flatnonzero(~validation), np.flatnonzero(validation)


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
    try:
        names = visible_files(folder)
        prepared = [name for name in names if name.lower().endswith(".npy")]
        if prepared and not any(map(is_sound, names)):
            values, names, labels, transform, report = read_prepared(
                folder, prepared, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length
            )
        else:
            clips = read_folder(
                folder, sample_rate=sample_rate, clip_seconds=clip_seconds, trim_db=trim_db
            )
            transform = _transform(clips, n_fft, hop_length)
            values = spectrograms(clips, transform)
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
    return Dataset(values, names, label_ids, classes, transform, report)


def _transform(clips: Clips, n_fft: int | None, hop_length: int | None) -> Transform:
    seconds = clips.samples / clips.sample_rate
    try:
        return Transform.choose(clips.sample_rate, seconds, n_fft=n_fft, hop_length=hop_length)
    except ValueError as error:
        raise DataError(str(error)) from error


def spectrograms(clips: Clips, transform: Transform) -> np.ndarray:
    """All clips as (clips, frames, bins), float16 in a file.

    Clips of like length are transformed together up to the end of the longest; silence stays 0.
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
        for _ in ahead(pool, fill, _alike(clips.lengths), threads):
            pass
    return scratch.array()


@lru_cache(maxsize=4)
def _graph(transform: Transform) -> tf.types.experimental.GenericFunction:
    return tf.function(
        lambda waves: tf.cast(transform.spectrogram(waves), tf.float16),
        input_signature=[tf.TensorSpec([None, None])],
    )


def _alike(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of clip numbers of like length, not far from each other in the files."""
    for start in range(0, len(lengths), NEIGHBOURS):
        order = start + np.argsort(lengths[start : start + NEIGHBOURS], kind="stable")
        for i in range(0, len(order), BATCH):
            yield order[i : i + BATCH]


def _rank(name: str) -> float:
    """Turn a name into a number in 0..1 that depends on nothing else."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _classes(labels: list[str | None], report: Report) -> list[str]:
    """Pick the labels worth learning: none when most files have none or each has its own."""
    found = sorted({label for label in labels if label})
    labelled = sum(label is not None for label in labels)
    if not found or labelled * 2 < len(labels):
        report.notes.append("unlabelled: no sub-folders and no <label>_ in the file names")
        return []
    if labelled < FEWEST_PER_LABEL * len(found):
        report.notes.append(f"unlabelled: {len(found)} different labels on {labelled} files")
        return []
    shown = ", ".join(found[:20]) + (", …" if len(found) > 20 else "")
    report.notes.append(f"{len(found)} labels: {shown}")
    if labelled < len(labels):
        report.notes.append(f"{len(labels) - labelled} clips have no label; they are trained on")
    return found
