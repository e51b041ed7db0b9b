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
from typing import BinaryIO, Self, cast

import numpy as np

from sound_vae.data.audio import SHORTEST_SECONDS, cropped, is_quick, read_sound, resampled
from sound_vae.data.exchange import Exchange, alone
from sound_vae.data.folder import SOUND_KINDS, is_sound, label_of
from sound_vae.data.report import DataError, DataReport
from sound_vae.data.streaming import bounded_map
from sound_vae.data.warnings import about_sounds

MAX_SAMPLE_RATE = 48_000  # Hz
MAX_CHOSEN_SECONDS = 4.0  # longer clips are possible, but only on request
MOST_TOLD = 10_000  # sounds whose length a machine tells the others


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
    exchange: Exchange = alone,
) -> Clips:
    """Read the sounds among these files; rate and length follow from the data when not given.

    `refused` are files that must not be opened, each with its reason; both are as `visible_files`
    gives them. Where each machine reads a share, they agree on rate and length by `exchange`.
    Raises DataError when there is nothing to train on.
    """
    report = DataReport.on(files, refused)
    sounds = _sounds(files, report)
    if not sounds:
        raise DataError(_nothing(folder, report, f"no {SOUND_KINDS} file"))
    most = MAX_CHOSEN_SECONDS if clip_seconds is None else clip_seconds
    names, lengths, rates, ends, several_channels = [], [], [], [0], 0
    threads = os.cpu_count() or 1
    spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the clips need it
    with ThreadPoolExecutor(threads) as pool:
        read = partial(read_sound, trim_db, most, folder)
        outcomes = bounded_map(pool, read, sounds, 2 * threads, partial(is_quick, folder))
        for name, outcome in zip(sounds, outcomes, strict=True):
            if isinstance(outcome, str):
                report.skipped.append((name, outcome))
                continue
            spool.write(outcome.samples.data)
            names.append(name)
            lengths.append(outcome.length)
            rates.append(outcome.rate)
            several_channels += outcome.channels > 1
            ends.append(ends[-1] + len(outcome.samples))
    if not names:
        raise DataError(_nothing(folder, report, "no sound that can be used"))
    spool.flush()
    report.source_rates = Counter(rates)
    everywhere = _Sounds.everywhere(np.array(lengths), np.array(rates), exchange)
    rate = sample_rate or min(everywhere.source_rates.most_common(1)[0][0], MAX_SAMPLE_RATE)
    scaled = _scaled(np.array(lengths), np.array(rates), rate)
    samples = round((clip_seconds or 0) * rate)
    if clip_seconds is None:
        samples = choose_samples(_scaled(everywhere.lengths, everywhere.rates, rate), rate)
    report.kept = len(names)
    report.padded = int((scaled < samples).sum())
    report.cropped = int((scaled > samples).sum())
    several_channels, cropped = map(
        sum, zip(*exchange([several_channels, report.cropped]), strict=True)
    )
    report.warnings += about_sounds(
        everywhere.lengths / everywhere.rates,
        everywhere.source_rates,
        several_channels=several_channels,
        cropped=cropped,
        sample_rate=rate,
        clip_seconds=samples / rate,
    )
    labels = [label_of(name) for name in names]
    return Clips(
        samples, rate, names, labels, scaled, report, spool, np.array(ends), np.array(rates)
    )


@dataclass
class _Sounds:
    """Lengths and rates of all machines' sounds, or of many of them, evenly chosen by duration."""

    lengths: np.ndarray  # (sounds,), samples at the rate of the file
    rates: np.ndarray  # (sounds,), Hz
    source_rates: Counter[int]  # Hz, to all files that have it

    @classmethod
    def everywhere(cls, lengths: np.ndarray, rates: np.ndarray, exchange: Exchange) -> Self:
        own = {"lengths": lengths, "rates": rates}
        if len(lengths) > MOST_TOLD:
            order = np.argsort(lengths / rates, kind="stable")
            chosen = order[np.linspace(0, len(order) - 1, MOST_TOLD).astype(int)]
            own = {name: values[chosen] for name, values in own.items()}
        counted = sorted(Counter(rates.tolist()).items())
        letters = exchange([*(values.tolist() for values in own.values()), counted])
        if len(letters) == 1:
            return cls(lengths, rates, Counter(rates.tolist()))
        all_lengths, all_rates, counts = zip(*letters, strict=True)
        source_rates: Counter[int] = Counter()
        for count in counts:
            source_rates.update(dict(count))
        return cls(np.concatenate(all_lengths), np.concatenate(all_rates), source_rates)


def _scaled(lengths: np.ndarray, rates: np.ndarray, rate: int) -> np.ndarray:
    """Lengths in samples at another rate, rounded up."""
    return -(-lengths * rate // rates)


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
