"""What a folder holds to train on, without the spectrograms and without TensorFlow."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sound_vae.data.clips import Clips, read_clips
from sound_vae.data.exchange import Exchange, alone
from sound_vae.data.folder import is_sound, visible_files
from sound_vae.data.long_recordings import file_of
from sound_vae.data.names import Names
from sound_vae.data.prepared import read_prepared
from sound_vae.data.report import DataError, DataReport, Skipped
from sound_vae.data.streaming import is_full_disk
from sound_vae.data.warnings import about_labels
from sound_vae.model.framing import Framing

NO_LABEL = -1
FEWEST_PER_LABEL = 2  # on average; with fewer the labels are file numbers, not classes


@dataclass(frozen=True)
class Contents:
    """Clips with their labels, and their framing."""

    clips: Clips | np.ndarray  # sounds, or (clips, frames, bins) that were prepared elsewhere
    framing: Framing  # that was asked for, or the usual one, which low notes make longer later
    names: Sequence[str]
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
    cut_long: bool | None = None,
    names: Sequence[str] | None = None,
    exchange: Exchange = alone,
) -> Contents:
    """Read sounds, or prepared `.npy` spectrograms where the folder holds those and no sounds.

    All that the folder holds, or clips of these names, which an earlier reading gave. Where it
    holds a share of them, machines agree by `exchange` on framing and labels, and the report is on
    all files. Raises DataError with a sentence when the folder cannot be trained on.
    """
    if names is None:
        files, refused = visible_files(folder)
    elif folder.is_dir():
        files, refused = Names.of(names), Skipped()
    else:
        raise DataError(f"{folder} is not a folder that can be read")
    sounds_anywhere = any(exchange(any(is_sound(file_of(name)) for name in files)))
    clips: Clips | np.ndarray
    with enough_room(folder):
        prepared = np.array([], int)
        if not sounds_anywhere:
            prepared = np.flatnonzero([name.lower().endswith(".npy") for name in files])
        if len(prepared):
            clips, names, label_of_clip, framing, report = read_prepared(
                folder,
                files[prepared],
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
                cut_long=cut_long,
                exchange=exchange,
            )
            framing = _framing(clips, n_fft, hop_length)
            names, label_of_clip, report = clips.names, clips.labels, clips.report
    if len({json.dumps(shape) for shape in exchange(framing.to_json())}) > 1:
        raise DataError(f"the spectrograms in {folder} are of other shapes than those elsewhere")
    report = DataReport.merged(exchange(report.to_json()))
    labels, label_ids = numbered(label_of_clip, report, exchange)
    return Contents(clips, framing, names, label_ids, labels, report)


def numbered(
    label_of_clip: Sequence[str | None], report: DataReport, exchange: Exchange = alone
) -> tuple[list[str], np.ndarray]:
    """Pick labels, and number them (clips,); the report counts them."""
    clips_of: Counter[str | None] = Counter()
    for counts in exchange(list(Counter(label_of_clip).items())):
        clips_of.update(dict(counts))
    labels = _classes(clips_of, report)
    index = {label: i for i, label in enumerate(labels)}
    ids = (index.get(label or "", NO_LABEL) for label in label_of_clip)
    report.labels = {label: clips_of[label] for label in labels}
    return labels, np.fromiter(ids, int, len(label_of_clip))


@contextmanager
def enough_room(folder: Path) -> Iterator[None]:
    """Raise DataError in place of an OSError that a full temporary folder causes."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
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


def _classes(clips_of: Counter[str | None], report: DataReport) -> list[str]:
    """Pick the labels worth learning: none when most files have none or each has its own."""
    found = sorted(label for label in clips_of if label)
    clips = clips_of.total()
    labelled = clips - clips_of[None]
    few = labelled * 2 < clips or labelled < FEWEST_PER_LABEL * len(found)
    used = [] if few else found
    report.warnings += about_labels(labelled, clips, len(found), used=bool(used))
    if used:
        shown = ", ".join(found[:20]) + (", …" if len(found) > 20 else "")
        report.notes.append(f"{len(found)} labels: {shown}")
    elif not found:
        report.notes.append("unlabelled: no sub-folders and no <label>_ in the file names")
    return used
