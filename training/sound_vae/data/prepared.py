"""Reads a folder of prepared log-spectrograms, one `.npy` of (bins, frames) per clip.

Values are decibels, or lie between 0 and 1 (each file scaled by its own minimum and maximum).
"""

import os
from array import array
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from sound_vae.data.folder import label_of
from sound_vae.data.names import Names
from sound_vae.data.report import DataError, DataReport, Skipped
from sound_vae.data.streaming import Scratch, bounded_map
from sound_vae.model.framing import Framing, whole_frames

SAMPLE_RATE = 22_050  # Hz, of spectrograms that come without a sample rate
FLOOR_DB = -80.0


def read_prepared(
    folder: Path,
    files: Sequence[str],
    refused: Skipped | Collection[tuple[str, str]] = (),
    *,
    sample_rate: int | None = None,
    n_fft: int | None = None,
    hop_length: int | None = None,
) -> tuple[np.ndarray, Names, list[str | None], Framing, DataReport]:
    """Return values (clips, frames, bins), float16 in a file; names, labels, framing, report.

    All files must have the shape that most have; others are skipped, as are `refused`, which must
    not be opened, each with its reason. Raises DataError when none can be used.
    """
    report = DataReport.on(files, refused)
    kinds: dict[tuple[int, int], int] = {}  # shape to its number
    kind_of = array("i")  # of each file; -1: none
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        outcomes = bounded_map(pool, partial(_shape, folder), files, 2 * threads)
        for name, outcome in zip(files, outcomes, strict=True):
            if isinstance(outcome, str):
                report.skipped.append((name, outcome))
                kind_of.append(-1)
            else:
                kind_of.append(kinds.setdefault(outcome, len(kinds)))
    if not kinds:
        first = report.skipped[0] if report.skipped else ("", "no file")
        raise DataError(
            f"{folder} holds no .npy spectrogram that can be used, e.g. {first[0]}: {first[1]}"
        )
    numbers, shapes = np.array(kind_of), list(kinds)
    usual = int(np.bincount(numbers[numbers >= 0]).argmax())
    shape = shapes[usual]
    names = Names.of(files)[np.flatnonzero(numbers == usual)]
    for name, kind in zip(files, kind_of, strict=True):
        if kind not in (-1, usual):
            report.skipped.append((name, f"shape {shapes[kind]} differs from {shape}"))
    bins, frames = shape
    if bins % 2:  # n_fft / 2 + 1 bins: the transform leaves the top one out
        bins -= 1
    if n_fft is not None and n_fft != 2 * bins:
        raise DataError(f"n_fft is {n_fft}, but spectrograms of {shape[0]} bins need {2 * bins}")
    missing = whole_frames(frames) - frames
    scratch = Scratch((len(names), frames + missing, bins), np.float16)
    for row, name in enumerate(names):
        scratch.write(row, _unit_scale(_load(folder / name)).T[:, :bins])
    hop_length = hop_length or bins  # half a window, as 512 and 256
    rate = sample_rate or SAMPLE_RATE
    framing = Framing(rate, (frames + missing) * hop_length, 2 * bins, hop_length, FLOOR_DB)
    report.kept, report.padded = len(names), len(names) if missing else 0
    report.notes.append(
        f"prepared spectrograms: taken for {rate} Hz, n_fft {2 * bins}, hop_length {hop_length}"
    )
    return scratch.array(), names, [label_of(name) for name in names], framing, report


def _load(file: Path) -> np.ndarray:
    """Read (bins, frames), with or without a channel axis."""
    array = np.load(file, allow_pickle=False)
    return array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array


def _shape(folder: Path, name: str) -> tuple[int, int] | str:
    """Return the shape of a spectrogram, or the reason why the file is not one."""
    try:
        array = _load(folder / name)
    except Exception as error:  # of a damaged header numpy raises even SyntaxError
        return f"cannot be read ({type(error).__name__})"
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        return f"holds {array.dtype} of shape {array.shape}, not (bins, frames) of floats"
    if not np.isfinite(array).all():
        return "holds values that are not numbers"
    if np.ptp(array) == 0:
        return "holds one value everywhere"
    return array.shape


def _unit_scale(array: np.ndarray) -> np.ndarray:
    """Scale decibels to 0..1 with the loudest value at 1; leave what is in 0..1 already."""
    if array.min() >= 0 and array.max() <= 1:
        return array.astype(np.float32)
    return np.clip(1 - (array - array.max()) / FLOOR_DB, 0, 1).astype(np.float32)
