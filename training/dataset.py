"""A data folder to spectrograms, labels and a validation split."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from prepared import read_prepared
from preprocess import AUDIO_SUFFIXES, DataError, Report, read_folder
from spectrogram import Transform

NO_LABEL = -1
FEWEST_PER_LABEL = 2  # on average; with fewer the labels are file numbers, not classes


@dataclass
class Dataset:
    """Everything that a training run needs to know about its data."""

    values: np.ndarray  # (clips, frames, bins), float16 in 0..1
    names: list[str]
    label_ids: np.ndarray  # (clips,), index into labels or NO_LABEL
    labels: list[str]  # sorted; empty when the data is unlabelled
    transform: Transform
    report: Report

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
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder that can be read")
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    prepared = [file for file in files if file.suffix.lower() == ".npy"]
    if prepared and not any(file.suffix.lower() in AUDIO_SUFFIXES for file in files):
        values, names, labels, transform, report = read_prepared(
            folder, prepared, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length
        )
    else:
        # the transform rounds the length up, so it is chosen before clips are padded
        clips = read_folder(
            folder, sample_rate=sample_rate, clip_seconds=clip_seconds, trim_db=trim_db
        )
        try:
            transform = Transform.choose(
                clips.sample_rate,
                clips.waves.shape[1] / clips.sample_rate,
                n_fft=n_fft,
                hop_length=hop_length,
            )
        except ValueError as error:
            raise DataError(str(error)) from error
        values = spectrograms(clips.waves, transform)
        names, labels, report = clips.names, clips.labels, clips.report
    classes = _classes(labels, report)
    index = {label: i for i, label in enumerate(classes)}
    label_ids = np.array([index.get(label or "", NO_LABEL) for label in labels])
    return Dataset(values.astype(np.float16), names, label_ids, classes, transform, report)


def spectrograms(waves: np.ndarray, transform: Transform, batch: int = 256) -> np.ndarray:
    """(clips, samples) to (clips, frames, bins) as float16, a batch at a time."""

    @tf.function(input_signature=[tf.TensorSpec([None, transform.clip_samples])])
    def graph(x: tf.Tensor) -> tf.Tensor:
        return tf.cast(transform.spectrogram(x), tf.float16)

    missing = transform.clip_samples - waves.shape[1]
    return np.concatenate(
        [
            graph(np.pad(waves[i : i + batch], ((0, 0), (0, missing)))).numpy()
            for i in range(0, len(waves), batch)
        ]
    )


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
