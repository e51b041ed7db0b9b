"""A folder of sounds to equally long mono clips of one sample rate.

    clips = read_folder(Path("recordings"))

Labels come from the first sub-folder, or in a flat folder from `<label>_anything.wav`.
"""

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import librosa
import numpy as np
import soundfile

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
PEAK = 10 ** (-1 / 20)  # -1 dBFS
SHORTEST_SECONDS = 0.02
MAX_SAMPLE_RATE = 48_000  # Hz
MAX_CHOSEN_SECONDS = 4.0  # longer clips are possible, but only on request


class DataError(Exception):
    """The data cannot be trained on; the message is a sentence for whoever can mend it."""


@dataclass
class Report:
    """What became of every file."""

    kept: int = 0
    padded: int = 0
    cropped: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (file, reason)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"clips kept: {self.kept} (padded: {self.padded}, cropped: {self.cropped}), "
            f"files skipped: {len(self.skipped)}"
        ]
        for reason, count in Counter(reason for _, reason in self.skipped).most_common():
            example = next(name for name, why in self.skipped if why == reason)
            lines.append(f"  skipped {count}: {reason}, e.g. {example}")
        return "\n".join(lines + [f"  {note}" for note in self.notes])


@dataclass
class Clips:
    """Equally long sounds in one array."""

    waves: np.ndarray  # (clips, samples), float32 in -1..1
    sample_rate: int  # Hz
    names: list[str]  # path below the folder
    labels: list[str | None]
    report: Report


def read_folder(
    folder: Path,
    *,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    trim_db: float = 45.0,
) -> Clips:
    """Read every sound below `folder`; rate and length are chosen from the data when not given.

    Raises DataError when there is nothing to train on.
    """
    report = Report()
    files = _audio_files(folder, report)
    if not files:
        raise DataError(_nothing(folder, report, "no .wav, .flac, .ogg or .mp3 file"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if sample_rate is None:
            sample_rate = _most_common_rate(pool.map(_rate, files))
        rate = sample_rate
        read = pool.map(lambda file: _read(file, rate, trim_db), files)
        sounds, names = [], []
        for file, outcome in zip(files, read, strict=True):
            name = file.relative_to(folder).as_posix()
            if isinstance(outcome, str):
                report.skipped.append((name, outcome))
            else:
                sounds.append(outcome)
                names.append(name)
    if not sounds:
        raise DataError(_nothing(folder, report, "no sound that can be used"))
    samples = (
        round(clip_seconds * rate)
        if clip_seconds is not None
        else choose_samples([len(sound) for sound in sounds], rate)
    )
    waves = np.stack([fit_length(sound, samples) for sound in sounds])
    report.kept = len(sounds)
    report.padded = sum(len(sound) < samples for sound in sounds)
    report.cropped = sum(len(sound) > samples for sound in sounds)
    return Clips(waves, rate, names, [label_of(name) for name in names], report)


def label_of(name: str) -> str | None:
    """`seven/a.wav` and `seven_a.wav` are "seven"; `a.wav` has no label."""
    folder, _, rest = name.partition("/")
    if rest:
        return folder
    label, underscore, _ = folder.partition("_")
    return label if underscore and label else None


def choose_samples(lengths: list[int], sample_rate: int) -> int:
    """Choose a round number that holds 98 % of the sounds whole, at most 4 seconds.

    Round means a whole number of eighths of the power of two below it.
    """
    enough = max(float(np.percentile(lengths, 98)), sample_rate * SHORTEST_SECONDS)
    eighth = max(2 ** math.floor(math.log2(enough)) // 8, 1)
    return int(min(math.ceil(enough / eighth) * eighth, sample_rate * MAX_CHOSEN_SECONDS))


def trim(sound: np.ndarray, sample_rate: int, trim_db: float) -> np.ndarray:
    """Cut both ends that lie more than trim_db below the loudest 8 ms."""
    hop = max(1, round(sample_rate * 0.008))
    padded = np.pad(sound, (0, -len(sound) % hop))
    power = np.mean(np.square(padded.reshape(-1, hop)), axis=1)
    loud = np.flatnonzero(power > power.max(initial=0) * 10 ** (-trim_db / 10))
    if not len(loud):
        return sound[:0]
    return sound[loud[0] * hop : (loud[-1] + 1) * hop]


def fit_length(sound: np.ndarray, samples: int) -> np.ndarray:
    """Pad with silence, or crop with a short fade so that the end does not click."""
    if len(sound) <= samples:
        return np.pad(sound, (0, samples - len(sound)))
    cropped = sound[:samples].copy()
    fade = min(samples, max(1, samples // 64))
    cropped[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cropped


def _audio_files(folder: Path, report: Report) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder that can be read")
    files = []
    for file in _walk(folder):
        if file.suffix.lower() in AUDIO_SUFFIXES:
            files.append(file)
        else:
            reason = f"{file.suffix.lower() or 'a file without an ending'} is not a sound"
            report.skipped.append((file.relative_to(folder).as_posix(), reason))
    return files


def _walk(folder: Path) -> Iterator[Path]:
    """Every visible file below the folder, in the same order everywhere."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _rate(file: Path) -> int | None:
    try:
        return int(soundfile.info(file).samplerate)
    except (soundfile.LibsndfileError, OSError):
        return None


def _most_common_rate(rates: Iterator[int | None]) -> int:
    counts = Counter(rate for rate in rates if rate)
    most_common = counts.most_common(1)[0][0] if counts else MAX_SAMPLE_RATE
    return min(most_common, MAX_SAMPLE_RATE)


def _read(file: Path, sample_rate: int, trim_db: float) -> np.ndarray | str:
    """Read the trimmed sound at -1 dBFS, or give the reason why there is none."""
    if file.stat().st_size == 0:
        return "empty file"
    try:
        with soundfile.SoundFile(file) as opened:  # a path would make librosa try ffmpeg as well
            sound, rate = librosa.load(opened, sr=None, mono=True)
    except Exception as error:  # the decoders raise many kinds; each means a broken file
        return f"cannot be decoded ({_first_line(error)})"
    if not len(sound):
        return "holds no samples"
    if not np.isfinite(sound).all():
        return "holds samples that are not numbers"
    if np.abs(sound).max() < 1e-4:
        return "silent (below -80 dBFS)"
    if rate != sample_rate:
        sound = librosa.resample(sound, orig_sr=rate, target_sr=sample_rate)
    sound = trim(sound, sample_rate, trim_db)
    if len(sound) < sample_rate * SHORTEST_SECONDS:
        return f"shorter than {SHORTEST_SECONDS * 1000:.0f} ms without its silence"
    return (sound * (PEAK / np.abs(sound).max())).astype(np.float32)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"\S*/", "", text)  # no folders: the reason then groups many files


def _nothing(folder: Path, report: Report, what: str) -> str:
    if not report.skipped:
        return f"{folder} is empty: put .wav, .flac, .ogg or .mp3 files there"
    name, reason = report.skipped[0]
    return (
        f"{folder} holds {what}: {len(report.skipped)} files were skipped, "
        f"the first is {name} ({reason})"
    )
