"""What a folder holds to train on, without the spectrograms and without TensorFlow."""

import errno
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sound_vae.data.clips import Clips, read_clips
from sound_vae.data.folder import is_sound, visible_files
from sound_vae.data.prepared import read_prepared
from sound_vae.data.report import DataError, DataReport
from sound_vae.data.warnings import about_labels
from sound_vae.model.framing import Framing

NO_LABEL = -1
FEWEST_PER_LABEL = 2  # on average; with fewer the labels are file numbers, not classes


@dataclass(frozen=True)
class Contents:
    """Clips with their labels, and their framing."""

    clips: Clips | np.ndarray  # sounds, or (clips, frames, bins) that were prepared elsewhere
    framing: Framing  # that was asked for, or the usual one, which low notes make longer later
    names: list[str]
    label_ids: np.ndarray  # (clips,), index into labels or NO_LABEL
    labels: list[str]  # sorted; empty when the data is unlabelled
    report: DataReport  # on all files that were found


def read_contents(
    folder: Path,
    *,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    n_fft: int | None = None,
    hop_length: int | None = None,
    trim_db: float = 45.0,
) -> Contents:
    """Read sounds, or prepared `.npy` spectrograms where the folder holds those and no sounds.

    Raises DataError with a sentence when the folder cannot be trained on.
    """
    files, refused = visible_files(folder)
    prepared = [name for name in files if name.lower().endswith(".npy")]
    clips: Clips | np.ndarray
    with enough_room(folder):
        if prepared and not any(map(is_sound, files)):
            clips, names, label_of_clip, framing, report = read_prepared(
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
            framing = _framing(clips, n_fft, hop_length)
            names, label_of_clip, report = clips.names, clips.labels, clips.report
    labels, label_ids = numbered(label_of_clip, report)
    return Contents(clips, framing, names, label_ids, labels, report)


def numbered(
    label_of_clip: Sequence[str | None], report: DataReport
) -> tuple[list[str], np.ndarray]:
    """Pick labels, and number them (clips,); the report counts them."""
    labels = _classes(label_of_clip, report)
    index = {label: i for i, label in enumerate(labels)}
    label_ids = np.array([index.get(label or "", NO_LABEL) for label in label_of_clip])
    clips_of = np.bincount(label_ids[label_ids != NO_LABEL], minlength=len(labels))
    report.labels = dict(zip(labels, clips_of.tolist(), strict=True))
    return labels, label_ids


@contextmanager
def enough_room(folder: Path) -> Iterator[None]:
    """Raise DataError in place of an OSError that a full temporary folder causes."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DataError(
            f"{tempfile.gettempdir()} is too full for the spectrograms of {folder}: make room "
            "there, or let TMPDIR name a folder on a larger disk"
        ) from error


def _framing(clips: Clips, n_fft: int | None, hop_length: int | None) -> Framing:
    seconds = clips.samples / clips.sample_rate
    try:
        return Framing.choose(clips.sample_rate, seconds, n_fft=n_fft, hop_length=hop_length)
    except ValueError as error:
        raise DataError(str(error)) from error


def _classes(labels: Sequence[str | None], report: DataReport) -> list[str]:
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
