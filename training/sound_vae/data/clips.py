"""The sounds of a folder as equally long mono clips of one sample rate.

    clips = read_clips(folder, *visible_files(folder))
    waves = clips.waves(np.arange(64))   # (64, clips.samples)

Every file is decoded once. The sounds wait in a temporary file until all their lengths and rates
are known, so memory does not grow with the data.
"""

import math
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from sound_vae.data.audio import SHORTEST_SECONDS, cropped, is_quick, read_sound, resampled
from sound_vae.data.folder import SOUND_KINDS, is_sound, label_of
from sound_vae.data.report import DataError, DataReport
from sound_vae.data.streaming import bounded_map
from sound_vae.data.warnings import about_sounds

MAX_SAMPLE_RATE = 48_000  # Hz
MAX_CHOSEN_SECONDS = 4.0  # longer clips are possible, but only on request


@dataclass
class Spool:
    """Sounds as they were decoded, each at the rate of its file."""

    names: list[str]  # path below the folder
    skipped: list[tuple[str, str]]  # (file, reason)
    file: BinaryIO  # samples as float32, one sound after the other
    lengths: np.ndarray  # (sounds,), samples of which the file may hold only the first
    rates: np.ndarray  # (sounds,), Hz
    channels: np.ndarray  # (sounds,)
    ends: np.ndarray  # (sounds + 1,), the sample in the file where the sound before ends

    def scaled(self, sample_rate: int) -> np.ndarray:
        """Give the lengths in samples at this rate, (sounds,)."""
        return -(-self.lengths * sample_rate // self.rates)

    def clips(self, samples: int, sample_rate: int, report: DataReport) -> "Clips":
        """Make clips of so many samples at this rate."""
        labels = [label_of(name) for name in self.names]
        scaled = self.scaled(sample_rate)
        return Clips(
            samples,
            sample_rate,
            self.names,
            labels,
            scaled,
            report,
            self.file,
            self.ends,
            self.rates,
        )


@dataclass
class Clips:
    """Equally long sounds, which lie in a file."""

    samples: int  # of a clip
    sample_rate: int  # Hz
    names: list[str]  # path below the folder
    labels: list[str | None]
    lengths: np.ndarray  # (clips,), samples at sample_rate of which a clip keeps the first
    report: DataReport
    spool: BinaryIO  # samples as float32, one sound after the other, each at the rate of its file
    ends: np.ndarray  # (clips + 1,), the sample in the spool where the sound before ends
    rates: np.ndarray  # (clips,), Hz

    def waves(self, clips: np.ndarray, samples: int | None = None) -> np.ndarray:
        """Return the clips of these indices (n,) as (n, samples), padded with silence."""
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


def read_clips(
    folder: Path,
    files: Sequence[str],
    refused: Sequence[tuple[str, str]] = (),
    *,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    trim_db: float = 45.0,
) -> Clips:
    """Read the sounds among these files; rate and length follow from the data when not given.

    `refused` are files that must not be opened, each with its reason; both are as `visible_files`
    gives them. Raises DataError when there is nothing to train on.
    """
    report = DataReport.on(files, refused)
    sounds = _sounds(files, report)
    if not sounds:
        raise DataError(_nothing(folder, report, f"no {SOUND_KINDS} file"))
    most = MAX_CHOSEN_SECONDS if clip_seconds is None else clip_seconds
    spool = decode(folder, sounds, trim_db=trim_db, most_seconds=most)
    report.skipped += spool.skipped
    names, rates, lengths = spool.names, spool.rates, spool.lengths
    if not names:
        raise DataError(_nothing(folder, report, "no sound that can be used"))
    report.source_rates = Counter(rates.tolist())
    rate = sample_rate or min(report.source_rates.most_common(1)[0][0], MAX_SAMPLE_RATE)
    scaled = spool.scaled(rate)
    samples = choose_samples(scaled, rate) if clip_seconds is None else round(clip_seconds * rate)
    report.kept = len(names)
    report.padded = int((scaled < samples).sum())
    report.cropped = int((scaled > samples).sum())
    report.warnings += about_sounds(
        lengths / rates,
        report.source_rates,
        several_channels=int((spool.channels > 1).sum()),
        cropped=report.cropped,
        sample_rate=rate,
        clip_seconds=samples / rate,
    )
    return spool.clips(samples, rate, report)


def decode(folder: Path, sounds: Sequence[str], *, trim_db: float, most_seconds: float) -> Spool:
    """Decode each sound once, in several threads, up to `most_seconds` after its silence."""
    names, lengths, rates, channels, ends = [], [], [], [], [0]
    skipped = []
    threads = os.cpu_count() or 1
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the clips need it
    with ThreadPoolExecutor(threads) as pool:
        read = partial(read_sound, trim_db, most_seconds, folder)
        outcomes = bounded_map(pool, read, sounds, 2 * threads, partial(is_quick, folder))
        for name, outcome in zip(sounds, outcomes, strict=True):
            if isinstance(outcome, str):
                skipped.append((name, outcome))
                continue
            file.write(outcome.samples.data)
            names.append(name)
            lengths.append(outcome.length)
            rates.append(outcome.rate)
            channels.append(outcome.channels)
            ends.append(ends[-1] + len(outcome.samples))
    file.flush()
    numbers = (np.array(values, int) for values in (lengths, rates, channels, ends))
    return Spool(names, skipped, file, *numbers)


def choose_samples(lengths: np.ndarray, sample_rate: int) -> int:
    """Choose a round number that holds 98 % of the sounds whole, at most 4 seconds.

    Round means a whole number of eighths of the power of two below it.
    """
    enough = max(float(np.percentile(lengths, 98)), sample_rate * SHORTEST_SECONDS)
    eighth = max(2 ** math.floor(math.log2(enough)) // 8, 1)
    return int(min(math.ceil(enough / eighth) * eighth, sample_rate * MAX_CHOSEN_SECONDS))


def _sounds(files: Sequence[str], report: DataReport) -> list[str]:
    for name in files:
        if not is_sound(name):
            suffix = Path(name).suffix.lower() or "a file without an ending"
            report.skipped.append((name, f"{suffix} is not a sound"))
    return [name for name in files if is_sound(name)]


def _nothing(folder: Path, report: DataReport, what: str) -> str:
    if not report.skipped:
        return f"{folder} is empty: put {SOUND_KINDS} files there"
    name, reason = report.skipped[0]
    return (
        f"{folder} holds {what}: {len(report.skipped)} files were skipped, "
        f"the first is {name} ({reason})"
    )
