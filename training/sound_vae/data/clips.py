"""A folder of sounds to equally long mono clips of one sample rate.

    clips = read_folder(Path("recordings"))
    waves = clips.waves(np.arange(64))   # (64, clips.samples)

Labels come from the first sub-folder, or in a flat folder from `<label>_anything.wav`. Every file
is decoded once; the sounds wait in a temporary file until all their lengths and rates are known, so
that memory does not grow with the data.
"""

import math
import os
import re
import tempfile
import wave
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import librosa
import numpy as np
import soundfile

from sound_vae.data.streaming import ahead

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
PEAK = 10 ** (-1 / 20)  # -1 dBFS
SHORTEST_SECONDS = 0.02
MAX_SAMPLE_RATE = 48_000  # Hz
MAX_CHOSEN_SECONDS = 4.0  # longer clips are possible, but only on request
QUICK_BYTES = 2**18  # of a WAV file whose reading is done before another thread has begun it


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


class Sound(NamedTuple):
    """What is kept of a file."""

    samples: np.ndarray  # (samples,), float32 in -1..1, no more than a clip can hold
    length: int  # samples before that was cut off
    rate: int  # Hz


@dataclass
class Clips:
    """Equally long sounds, which lie in a file."""

    samples: int  # of a clip
    sample_rate: int  # Hz
    names: list[str]  # path below the folder
    labels: list[str | None]
    lengths: np.ndarray  # (clips,), samples at sample_rate of which a clip keeps the first
    report: Report
    spool: BinaryIO  # samples as float32, one sound after the other, each at the rate of its file
    ends: np.ndarray  # (clips + 1,), the sample in the spool where the sound before ends
    rates: np.ndarray  # (clips,), Hz

    def waves(self, clips: np.ndarray, samples: int | None = None) -> np.ndarray:
        """Give the clips (n,) of these numbers as (n, samples), padded with silence."""
        waves = np.zeros((len(clips), samples or self.samples), np.float32)
        for row, clip in zip(waves, clips, strict=True):
            start, end = (4 * int(sample) for sample in self.ends[clip : clip + 2])
            sound = np.frombuffer(os.pread(self.spool.fileno(), end - start, start), np.float32)
            if self.rates[clip] != self.sample_rate:
                sound = resampled(sound, self.rates[clip], self.sample_rate)
            if self.lengths[clip] > self.samples:
                sound = cropped(sound, self.samples)
            row[: len(sound)] = sound
        return waves


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
    most = MAX_CHOSEN_SECONDS if clip_seconds is None else clip_seconds
    names, lengths, rates, ends = [], [], [], [0]
    threads = os.cpu_count() or 1
    spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the clips need it
    with ThreadPoolExecutor(threads) as pool:
        read = partial(_read, trim_db, most, folder)
        outcomes = ahead(pool, read, files, 2 * threads, partial(_quick, folder))
        for name, outcome in zip(files, outcomes, strict=True):
            if isinstance(outcome, str):
                report.skipped.append((name, outcome))
                continue
            spool.write(outcome.samples.data)
            names.append(name)
            lengths.append(outcome.length)
            rates.append(outcome.rate)
            ends.append(ends[-1] + len(outcome.samples))
    if not names:
        raise DataError(_nothing(folder, report, "no sound that can be used"))
    spool.flush()
    rate = sample_rate or min(Counter(rates).most_common(1)[0][0], MAX_SAMPLE_RATE)
    scaled = -(-np.array(lengths) * rate // np.array(rates))
    samples = choose_samples(scaled, rate) if clip_seconds is None else round(clip_seconds * rate)
    report.kept = len(names)
    report.padded = int((scaled < samples).sum())
    report.cropped = int((scaled > samples).sum())
    labels = [label_of(name) for name in names]
    return Clips(
        samples, rate, names, labels, scaled, report, spool, np.array(ends), np.array(rates)
    )


def label_of(name: str) -> str | None:
    """`seven/a.wav` and `seven_a.wav` are "seven"; `a.wav` has no label."""
    folder, _, rest = name.partition("/")
    if rest:
        return folder
    label, underscore, _ = folder.partition("_")
    return label if underscore and label else None


def choose_samples(lengths: np.ndarray, sample_rate: int) -> int:
    """Choose a round number that holds 98 % of the sounds whole, at most 4 seconds.

    Round means a whole number of eighths of the power of two below it.
    """
    enough = max(float(np.percentile(lengths, 98)), sample_rate * SHORTEST_SECONDS)
    eighth = max(2 ** math.floor(math.log2(enough)) // 8, 1)
    return int(min(math.ceil(enough / eighth) * eighth, sample_rate * MAX_CHOSEN_SECONDS))


def trim(sound: np.ndarray, sample_rate: int, trim_db: float) -> np.ndarray:
    """Cut both ends that lie more than trim_db below the loudest 8 ms.

    Raises ValueError when a sample is not a number.
    """
    hop = max(1, round(sample_rate * 0.008))
    blocks = np.zeros((-(-len(sound) // hop), hop), np.float32)
    blocks.ravel()[: len(sound)] = sound
    power = np.einsum("ij,ij->i", blocks, blocks)
    loudest = power.max(initial=0)
    if not math.isfinite(loudest):
        raise ValueError("a sample is not a number")
    loud = np.flatnonzero(power > loudest * 10 ** (-trim_db / 10))
    return sound[loud[0] * hop : (loud[-1] + 1) * hop] if len(loud) else sound[:0]


def cropped(sound: np.ndarray, samples: int) -> np.ndarray:
    """Crop with a short fade, so that the end does not click."""
    sound = sound[:samples].copy()
    fade = min(samples, max(1, samples // 64))
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return sound


def resampled(sound: np.ndarray, rate: int, sample_rate: int) -> np.ndarray:
    """Bring a sound from one rate to another, both in Hz, without changing its peak."""
    changed = librosa.resample(sound, orig_sr=rate, target_sr=sample_rate)
    return changed * (np.abs(sound).max() / max(np.abs(changed).max(), 1e-9))


def visible_files(folder: Path) -> list[str]:
    """Every file below the folder, as paths from there, in the same order everywhere.

    Raises DataError when there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder that can be read")
    return sorted(_files(str(folder), ""), key=lambda name: name.split("/"))


def _files(folder: str, below: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, f"{below}{entry.name}/")
        elif entry.is_file():
            yield below + entry.name


def is_sound(name: str) -> bool:
    """Whether a file's ending is one of a sound."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122 - many names


def _audio_files(folder: Path, report: Report) -> list[str]:
    names = visible_files(folder)
    for name in names:
        if not is_sound(name):
            ending = Path(name).suffix.lower() or "a file without an ending"
            report.skipped.append((name, f"{ending} is not a sound"))
    return [name for name in names if is_sound(name)]


def _quick(folder: Path, name: str) -> bool:
    return name.endswith(".wav") and os.stat(f"{folder}/{name}").st_size < QUICK_BYTES  # noqa: PTH116


def _read(trim_db: float, most_seconds: float, folder: Path, name: str) -> Sound | str:
    """Read the trimmed sound at -1 dBFS, or give the reason why there is none."""
    file = f"{folder}/{name}"
    try:
        sound, rate = _decode(file)
    except Exception as error:  # the decoders raise many kinds; each means a broken file
        if not Path(file).stat().st_size:
            return "empty file"
        return f"cannot be decoded ({_first_line(error)})"
    if not len(sound):
        return "holds no samples"
    try:
        sound = trim(sound, rate, trim_db)
    except ValueError:
        return "holds samples that are not numbers"
    peak = max(sound.max(initial=0), -sound.min(initial=0))
    if peak < 1e-4:
        return "silent (below -80 dBFS)"
    if len(sound) < rate * SHORTEST_SECONDS:
        return f"shorter than {SHORTEST_SECONDS * 1000:.0f} ms without its silence"
    kept = sound[: math.ceil(most_seconds * rate) + 1]
    return Sound((kept * (PEAK / peak)).astype(np.float32, copy=False), len(sound), rate)


def _decode(file: str) -> tuple[np.ndarray, int]:
    """Give (samples,) in -1..1, channels mixed, and Hz.

    16-bit mono WAV, of which there may be very many, needs no decoder.
    """
    try:
        with wave.open(file) as opened:
            if opened.getparams()[:2] == (1, 2):  # channels, bytes a sample
                samples = np.frombuffer(opened.readframes(opened.getnframes()), "<i2")
                return samples * np.float32(2**-15), opened.getframerate()
    except (wave.Error, EOFError, ValueError):
        pass
    with soundfile.SoundFile(file) as opened:  # a path would make librosa try ffmpeg as well
        return librosa.load(opened, sr=None, mono=True)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"^.*/[^/]*?: ", "", text)  # without the file's name it groups many files


def _nothing(folder: Path, report: Report, what: str) -> str:
    if not report.skipped:
        return f"{folder} is empty: put .wav, .flac, .ogg or .mp3 files there"
    name, reason = report.skipped[0]
    return (
        f"{folder} holds {what}: {len(report.skipped)} files were skipped, "
        f"the first is {name} ({reason})"
    )
