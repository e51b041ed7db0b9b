"""Reads one audio file: decoded, mixed to mono, trimmed, with its peak at -1 dBFS.

A file of any length takes little memory. What is longer than a block is decoded twice: to find
where it sounds and how loud it is, and to take from there what a clip can hold, or the pieces that
a long recording is cut into, which wait in a temporary file.
"""

import math
import os
import tempfile
import wave
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast, overload

import librosa
import numpy as np
import soundfile

from sound_vae.data.long_recordings import (
    SHORTEST_SECONDS,
    Part,
    file_and_part,
    is_long,
    pieces,
)
from sound_vae.data.streaming import is_full_disk
from sound_vae.model.framing import PEAK, moment_samples

SILENT = 1e-4  # peak of a sound, -80 dBFS
FADE_SECONDS = 0.002  # at both ends of a piece, where the recording may go on
RATES = range(1000, 384_001)  # Hz
BLOCK_VALUES = 2**21  # decoded at once, of all channels: 8 MB
QUICK_BYTES = 2**18  # a WAV file below this is read faster than it is handed to a thread


class Sound(NamedTuple):
    """What is kept of a file, or of a part of it."""

    samples: np.ndarray  # (samples,), float32 in -1..1, no more than a clip can hold
    length: int  # samples before that was cut off
    rate: int  # Hz
    channels: int
    part: Part | None = None  # of the file, where that was cut into several sounds


class Pieces(Sequence[Sound]):
    """Parts of a recording, which wait in a temporary file without a name."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate, self.channels = rate, channels
        self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - read later
        self._parts: list[tuple[Part, int, int]] = []  # and samples of all of it, and in the file
        self._starts = [0]  # bytes

    def append(self, part: Part, length: int, samples: np.ndarray) -> None:
        """Write a part of `length` samples, of which these are kept."""
        content = np.ascontiguousarray(samples, np.float32).data
        self._file.write(content)
        self._file.flush()
        self._parts.append((part, length, len(samples)))
        self._starts.append(self._starts[-1] + content.nbytes)

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, which: int) -> Sound: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Sound]: ...
    def __getitem__(self, which: int | slice) -> Sound | Sequence[Sound]:
        if isinstance(which, slice):
            return [self[number] for number in range(len(self))[which]]
        part, length, many = self._parts[which]
        content = os.pread(self._file.fileno(), 4 * many, self._starts[range(len(self))[which]])
        return Sound(np.frombuffer(content, np.float32), length, self.rate, self.channels, part)


class Recording(NamedTuple):
    """A file that can be decoded."""

    rate: int  # Hz
    channels: int
    blocks: Callable[[], Iterator[np.ndarray]]  # (samples,) in -1..1, channels mixed


class UnusableError(Exception):
    """The message is the reason."""


class Stream(soundfile.SoundFile):
    """Is read from beginning to end; soundfile else seeks after each block, which MP3 takes ill."""

    def seekable(self) -> bool:
        """Tell that it is not."""
        return False


class Loudness(NamedTuple):
    """Of each moment of a recording."""

    power: np.ndarray  # (moments,)
    peak: np.ndarray  # (moments,)
    moment: int  # samples
    total: int  # samples


def read_sound(trim_db: float, most_seconds: float, folder: Path, name: str) -> Sound | str:
    """Read the trimmed sound at -1 dBFS, or return the reason why the file cannot be used.

    Where the name is that of a piece, that is read.
    """
    file, part = file_and_part(name)
    found = read_sounds(trim_db, most_seconds, False, folder, (file, [part] if part else []))
    return found if isinstance(found, str) else found[0]


def read_sounds(
    trim_db: float,
    most_seconds: float,
    cut_long: bool | None,
    folder: Path,
    wanted: tuple[str, Sequence[Part]],
) -> Sequence[Sound] | str:
    """Read a file, whole or these parts of it, or return the reason why it cannot be used.

    Without parts it gives one sound, or the pieces of a long recording; `cut_long` says whether it
    is one, see `long_recordings`. Raises OSError when the temporary folder is full.
    """
    file = f"{folder}/{wanted[0]}"
    try:
        recording = _open(file)
        most = math.ceil(most_seconds * recording.rate) + 1
        if wanted[1]:
            return _pieces(recording, wanted[1], most)
        loudness = _loudness(recording)
        start, end, peak = _sounding(loudness, recording.rate, trim_db)
        if is_long((end - start) / recording.rate, most_seconds, cut_long):
            power, _, moment, total = loudness
            found = pieces(power, moment, total, recording.rate, trim_db, most_seconds)
            return _pieces(recording, found, most)
        (kept,) = _parts(recording, [(start, min(end, start + most))])
    except UnusableError as error:
        return str(error)
    except Exception as error:  # the decoders raise many kinds; each means a broken file
        if is_full_disk(error):
            raise
        if os.path.exists(file) and not os.path.getsize(file):  # noqa: PTH110, PTH202
            return "empty file"
        return f"cannot be decoded ({_first_line(error)})"
    samples = (kept * (PEAK / peak)).astype(np.float32, copy=False)
    return [Sound(samples, end - start, recording.rate, recording.channels)]


def is_quick(folder: Path, wanted: tuple[str, Sequence[Part]]) -> bool:
    """Whether reading the file takes less time than handing it to a thread."""
    name = wanted[0]
    return name.endswith(".wav") and os.stat(f"{folder}/{name}").st_size < QUICK_BYTES  # noqa: PTH116


def _loudness(recording: Recording) -> Loudness:
    """Measure it: a kilobyte for each second. Raises UnusableError when there is no sample."""
    moment = moment_samples(recording.rate)
    powers, peaks, total = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)], 0
    for block in recording.blocks():
        moments = np.zeros((-(-len(block) // moment), moment), np.float32)
        moments.ravel()[: len(block)] = block
        powers.append(np.einsum("ij,ij->i", moments, moments))
        peaks.append(np.abs(moments).max(axis=1, initial=0))
        total += len(block)
    if not total:
        raise UnusableError("holds no samples")
    return Loudness(np.concatenate(powers), np.concatenate(peaks), moment, total)


def _sounding(loudness: Loudness, rate: int, trim_db: float) -> tuple[int, int, float]:
    """Find the first and last moment less than trim_db below the loudest, and the peak.

    Gives samples, of which the second is the first after the sound. librosa.effects.trim does the
    same with overlapping frames, in some ten times the time. Raises UnusableError when there is no
    sound.
    """
    power, peak, moment, total = loudness
    loudest = power.max()
    if not math.isfinite(loudest):
        raise UnusableError("holds samples that are not numbers")
    loud = np.flatnonzero(power > loudest * 10 ** (-trim_db / 10))
    if not len(loud) or peak.max() < SILENT:
        raise UnusableError("silent (below -80 dBFS)")
    start, end = int(loud[0]) * moment, min(int(loud[-1] + 1) * moment, total)
    if end - start < rate * SHORTEST_SECONDS:
        raise UnusableError(f"shorter than {SHORTEST_SECONDS * 1000:.0f} ms without its silence")
    return start, end, peak[loud[0] : loud[-1] + 1].max()


def _pieces(recording: Recording, parts: Sequence[Part], most: int) -> Pieces:
    """Read these parts, of each at most so many samples, with its peak at -1 dBFS.

    Raises UnusableError when none sounds.
    """
    rate = recording.rate
    parts = sorted(parts)
    spans = [(round(part.start * rate), round(part.end * rate)) for part in parts]
    short = [(start, min(stop, start + most)) for start, stop in spans]
    found = Pieces(rate, recording.channels)
    for part, (start, stop), samples in zip(parts, spans, _parts(recording, short), strict=False):
        piece = _faded(samples, round(FADE_SECONDS * rate))
        peak = np.abs(piece).max()
        if SILENT <= peak < math.inf:
            found.append(part, stop - start, piece * (PEAK / peak))
    if not len(found):
        raise UnusableError("holds no piece that sounds")
    return found


def _faded(samples: np.ndarray, fade: int) -> np.ndarray:
    """Fade in and out over so many samples: the recording may sound before and after a piece."""
    piece = samples.astype(np.float32)
    slope = np.linspace(0, 1, min(fade, len(piece)), endpoint=False, dtype=np.float32)
    piece[: len(slope)] *= slope
    piece[len(piece) - len(slope) :] *= slope[::-1]
    return piece


def _parts(recording: Recording, spans: Iterable[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Yield the samples of these spans, each from its first to before its last, in order."""
    waiting, parts, at = deque(spans), [], 0
    for block in recording.blocks():
        while waiting and waiting[0][0] < at + len(block):
            start, stop = waiting[0]
            parts.append(block[max(start - at, 0) : stop - at])
            if stop > at + len(block):  # it goes on in the next block
                break
            yield parts[0] if len(parts) == 1 else np.concatenate(parts)
            waiting.popleft()
            parts = []
        if not waiting:
            return
        at += len(block)
    if parts:  # the file ends before the span does
        yield np.concatenate(parts)


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


def _open(file: str) -> Recording:
    """Decode a short file, or see what a long one is.

    16-bit mono WAV, of which there may be very many, is read here: the decoders take longer.
    Raises UnusableError, or whatever a decoder raises.
    """
    try:
        with wave.open(file) as opened:
            rate, frames = opened.getframerate(), opened.getnframes()
            if opened.getparams()[:2] == (1, 2) and frames <= BLOCK_VALUES:  # channels, bytes
                samples = np.frombuffer(opened.readframes(frames), "<i2") * np.float32(2**-15)
                return Recording(_possible(rate), 1, lambda: iter([samples]))
    except (wave.Error, EOFError, ValueError, RuntimeError):
        pass
    with soundfile.SoundFile(file) as opened:
        rate, channels = _possible(opened.samplerate), opened.channels
        moment = moment_samples(rate)
        size = max(BLOCK_VALUES // channels // moment, 1) * moment
        if opened.frames <= size:
            block = _mixed(opened.read(dtype="float32", always_2d=True))
            return Recording(rate, channels, lambda: iter([block]))
    return Recording(rate, channels, partial(_blocks, file, size))


def _blocks(file: str, size: int) -> Iterator[np.ndarray]:
    """Decode so many samples at a time, each time from the beginning."""
    with Stream(file) as opened:
        while len(block := opened.read(size, dtype="float32", always_2d=True)):
            yield _mixed(block)


def _mixed(frames: np.ndarray) -> np.ndarray:
    """Bring (samples, channels) to (samples,)."""
    return frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1)


def _possible(rate: int) -> int:
    if rate not in RATES:
        raise UnusableError(f"has {rate} Hz: {RATES[0]} to {RATES[-1]} are possible")
    return rate


def _first_line(error: Exception) -> str:
    """Give the error's own words, without the file's name: so one reason groups many files."""
    own = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return (own.splitlines() or [type(error).__name__])[0]
