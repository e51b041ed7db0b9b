"""Reads one audio file: decoded, mixed to mono, trimmed, with its peak at -1 dBFS."""

import math
import os
import re
import wave
from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import soundfile

from sound_vae.model.spectrogram import PEAK

SHORTEST_SECONDS = 0.02
SILENT = 1e-4  # peak of a sound, -80 dBFS
QUICK_BYTES = 2**18  # a WAV file below this is read faster than it is handed to a thread


class Sound(NamedTuple):
    """What is kept of a file."""

    samples: np.ndarray  # (samples,), float32 in -1..1, no more than a clip can hold
    length: int  # samples before that was cut off
    rate: int  # Hz
    channels: int


def read_sound(trim_db: float, most_seconds: float, folder: Path, name: str) -> Sound | str:
    """Read the trimmed sound at -1 dBFS, or return the reason why the file cannot be used."""
    file = f"{folder}/{name}"
    try:
        sound, rate, channels = _decode(file)
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
    if peak < SILENT:
        return "silent (below -80 dBFS)"
    if len(sound) < rate * SHORTEST_SECONDS:
        return f"shorter than {SHORTEST_SECONDS * 1000:.0f} ms without its silence"
    kept = sound[: math.ceil(most_seconds * rate) + 1]
    samples = (kept * (PEAK / peak)).astype(np.float32, copy=False)
    return Sound(samples, len(sound), rate, channels)


def is_quick(folder: Path, name: str) -> bool:
    """Whether reading the file takes less time than handing it to a thread."""
    return name.endswith(".wav") and os.stat(f"{folder}/{name}").st_size < QUICK_BYTES  # noqa: PTH116


def trim(sound: np.ndarray, sample_rate: int, trim_db: float) -> np.ndarray:
    """Cut both ends that lie more than trim_db below the loudest 8 ms.

    librosa.effects.trim does the same with overlapping frames, in some ten times the time.
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


def _decode(file: str) -> tuple[np.ndarray, int, int]:
    """Return (samples,) in -1..1, channels mixed, with Hz and the number of channels.

    16-bit mono WAV, of which there may be very many, is read here: the decoders take longer.
    """
    try:
        with wave.open(file) as opened:
            if opened.getparams()[:2] == (1, 2):  # channels, bytes a sample
                samples = np.frombuffer(opened.readframes(opened.getnframes()), "<i2")
                return samples * np.float32(2**-15), opened.getframerate(), 1
    except (wave.Error, EOFError, ValueError):
        pass
    with soundfile.SoundFile(file) as opened:  # a path would make librosa try ffmpeg as well
        channels = opened.channels
        return *librosa.load(opened, sr=None, mono=True), channels


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"^.*/[^/]*?: ", "", text)  # without the file's name it groups many files
