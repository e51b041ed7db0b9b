"""A folder of prepared log-spectrograms, one `.npy` of (bins, frames) a clip.

Values are decibels, or lie between 0 and 1 (each file scaled by its own minimum and maximum).
"""

import math
from pathlib import Path

import numpy as np

from preprocess import DataError, Report, label_of
from spectrogram import Transform, halvings

SAMPLE_RATE = 22_050  # Hz, of spectrograms that come without a sample rate
FLOOR_DB = -80.0


def read_prepared(
    folder: Path,
    files: list[Path],
    *,
    sample_rate: int | None = None,
    n_fft: int | None = None,
    hop_length: int | None = None,
) -> tuple[np.ndarray, list[str], list[str | None], Transform, Report]:
    """Values (clips, frames, bins) in 0..1, names, labels, transform and report.

    All files must have the shape that most have; others are skipped. Raises DataError when none
    can be used.
    """
    report = Report()
    arrays: dict[str, np.ndarray] = {}
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            array = np.load(file, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            report.skipped.append((name, f"cannot be read ({type(error).__name__})"))
            continue
        if array.ndim == 3 and array.shape[-1] == 1:
            array = array[..., 0]
        if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
            reason = f"holds {array.dtype} of shape {array.shape}, not (bins, frames) of floats"
            report.skipped.append((name, reason))
        elif not np.isfinite(array).all():
            report.skipped.append((name, "holds values that are not numbers"))
        elif np.ptp(array) == 0:
            report.skipped.append((name, "holds one value everywhere"))
        else:
            arrays[name] = array
    shapes = [array.shape for array in arrays.values()]
    if not shapes:
        first = report.skipped[0] if report.skipped else ("", "no file")
        raise DataError(
            f"{folder} holds no .npy spectrogram that can be used, e.g. {first[0]}: {first[1]}"
        )
    shape = max(set(shapes), key=shapes.count)
    for name in [name for name, array in arrays.items() if array.shape != shape]:
        report.skipped.append((name, f"shape {arrays.pop(name).shape} differs from {shape}"))
    values = np.stack([_unit_scale(array).T for array in arrays.values()])
    bins, frames = shape
    if bins % 2:  # n_fft / 2 + 1 bins: the transform leaves the top one out
        bins -= 1
        values = values[:, :, :bins]
    if n_fft is not None and n_fft != 2 * bins:
        raise DataError(f"n_fft is {n_fft}, but spectrograms of {shape[0]} bins need {2 * bins}")
    multiple = 2 ** halvings(frames)
    missing = math.ceil(frames / multiple) * multiple - frames
    values = np.pad(values, ((0, 0), (0, missing), (0, 0)))
    hop_length = hop_length or bins  # half a window, as 512 and 256
    rate = sample_rate or SAMPLE_RATE
    transform = Transform(rate, (frames + missing) * hop_length, 2 * bins, hop_length, FLOOR_DB)
    report.kept, report.padded = len(values), len(values) if missing else 0
    report.notes.append(
        f"prepared spectrograms: taken for {rate} Hz, n_fft {2 * bins}, hop_length {hop_length}"
    )
    names = list(arrays)
    return values, names, [label_of(name) for name in names], transform, report


def _unit_scale(array: np.ndarray) -> np.ndarray:
    """Decibels to 0..1 with the loudest value at 1; what is 0..1 already stays."""
    if array.min() >= 0 and array.max() <= 1:
        return array.astype(np.float32)
    return np.clip(1 - (array - array.max()) / FLOOR_DB, 0, 1).astype(np.float32)
