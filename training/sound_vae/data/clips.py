"""The sounds of a folder as equally long mono clips of one sample rate.

    clips = read_clips(folder, *visible_files(folder))
    waves = clips.waves(np.arange(64))   # (64, clips.samples)

The sounds wait in a temporary file until all their lengths and rates are known, so memory grows
by what is known of each sound alone.
"""

import math
import os
import tempfile
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self, cast

import numpy as np

from sound_vae.data.audio import cropped, is_quick, read_sounds, resampled
from sound_vae.data.exchange import Exchange, alone
from sound_vae.data.folder import SOUND_KINDS, is_sound, label_of
from sound_vae.data.long_recordings import SHORTEST_SECONDS, by_file, file_of
from sound_vae.data.names import Names
from sound_vae.data.report import DataError, DataReport, Skipped
from sound_vae.data.streaming import bounded_map
from sound_vae.data.warnings import about_sounds

MAX_SAMPLE_RATE = 48_000  # Hz
MAX_CHOSEN_SECONDS = 4.0  # longer clips are possible, but only on request
MOST_TOLD = 10_000  # sounds whose length a machine tells the others


@dataclass
class Spool:
    """Sounds as they were decoded, each at the rate of its file."""

    names: Names  # path below the folder, of pieces with the part
    skipped: Skipped
    file: BinaryIO  # samples as float32, one sound after the other
    lengths: np.ndarray  # (sounds,), samples of which the file may hold only the first
    rates: np.ndarray  # (sounds,), Hz
    channels: np.ndarray  # (sounds,)
    ends: np.ndarray  # (sounds + 1,), the sample in the file where the sound before ends
    source_rates: Counter[int]  # Hz, to files that have it
    several_channels: int  # files
    cut: int  # files that were cut into several sounds
    pieces: int  # sounds that they were cut into

    def tell(self, report: DataReport) -> None:
        """Add to the report what was decoded and what was skipped."""
        report.skipped.extend(self.skipped)
        report.source_rates, report.kept = self.source_rates, len(self.names)
        report.cut, report.pieces = self.cut, self.pieces

    def scaled(self, sample_rate: int) -> np.ndarray:
        """Give the lengths in samples at this rate, (sounds,)."""
        return _scaled(self.lengths, self.rates, sample_rate)

    def clips(self, samples: int, sample_rate: int, report: DataReport) -> "Clips":
        """Make clips of so many samples at this rate."""
        once: dict[str | None, str | None] = {}  # each label is one object
        labels = [once.setdefault(label, label) for label in map(label_of, self.names)]
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
    names: Names  # path below the folder, of pieces with the part
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
    refused: Skipped | Collection[tuple[str, str]] = (),
    *,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    trim_db: float = 45.0,
    exchange: Exchange = alone,
    cut_long: bool | None = None,
) -> Clips:
    """Read the sounds among these files; rate and length follow from the data when not given.

    `refused` are files that must not be opened, each with its reason; both are as `visible_files`
    gives them. Long recordings give several sounds, see `long_recordings`; where names of such
    pieces stand in place of files, those are read. Where each machine reads a share, they agree on
    rate and length by `exchange`. Raises DataError when there is nothing to train on.
    """
    report = DataReport.on(files, refused)
    sounds = _sounds(files, report)
    if not sounds:
        raise DataError(_nothing(folder, report, f"no {SOUND_KINDS} file"))
    most = MAX_CHOSEN_SECONDS if clip_seconds is None else clip_seconds
    spool = decode(folder, sounds, trim_db=trim_db, most_seconds=most, cut_long=cut_long)
    if not spool.names:
        report.skipped.extend(spool.skipped)
        raise DataError(_nothing(folder, report, "no sound that can be used"))
    spool.tell(report)
    everywhere = _Sounds.everywhere(spool, report, exchange)
    rate = sample_rate or min(everywhere.source_rates.most_common(1)[0][0], MAX_SAMPLE_RATE)
    scaled = spool.scaled(rate)
    samples = round((clip_seconds or 0) * rate)
    if clip_seconds is None:
        samples = choose_samples(everywhere.scaled(rate), rate)
    report.padded = int((scaled < samples).sum())
    report.cropped = int((scaled > samples).sum())
    several_channels, cropped = map(
        sum, zip(*exchange([spool.several_channels, report.cropped]), strict=True)
    )
    report.warnings += about_sounds(
        everywhere.lengths / everywhere.rates,
        everywhere.source_rates,
        files=everywhere.files,
        clips=everywhere.clips,
        cut=everywhere.cut,
        several_channels=several_channels,
        cropped=cropped,
        sample_rate=rate,
        clip_seconds=samples / rate,
    )
    return spool.clips(samples, rate, report)


def decode(
    folder: Path,
    sounds: Sequence[str],
    *,
    trim_db: float,
    most_seconds: float,
    cut_long: bool | None = False,
) -> Spool:
    """Decode each sound once, in several threads, up to `most_seconds` after its silence.

    Long recordings give several sounds, see `long_recordings`.
    """
    names, skipped, source_rates = Names(), Skipped(), Counter[int]()
    lengths, rates, channels, ends = array("q"), array("q"), array("q"), array("q", [0])
    several_channels, cut, pieces = 0, 0, 0
    threads = os.cpu_count() or 1
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the clips need it
    with ThreadPoolExecutor(threads) as pool:
        read = partial(read_sounds, trim_db, most_seconds, cut_long, folder)
        outcomes = bounded_map(pool, read, by_file(sounds), 2 * threads, partial(is_quick, folder))
        for (name, _), outcome in zip(by_file(sounds), outcomes, strict=True):
            if isinstance(outcome, str):
                skipped.append((name, outcome))
                continue
            for sound in outcome:
                file.write(sound.samples.data)
                names.append(sound.part.of(name) if sound.part else name)
                lengths.append(sound.length)
                rates.append(sound.rate)
                channels.append(sound.channels)
                ends.append(ends[-1] + len(sound.samples))
            source_rates[outcome[0].rate] += 1
            several_channels += outcome[0].channels > 1
            if outcome[0].part:
                cut += 1
                pieces += len(outcome)
    file.flush()
    return Spool(
        names,
        skipped,
        file,
        np.array(lengths),
        np.array(rates),
        np.array(channels),
        np.array(ends),
        source_rates,
        several_channels,
        cut,
        pieces,
    )


@dataclass
class _Sounds:
    """Lengths and rates of all machines' sounds, or of many of them, evenly chosen by duration."""

    lengths: np.ndarray  # (sounds,), samples at the rate of the file
    rates: np.ndarray  # (sounds,), Hz
    source_rates: Counter[int]  # Hz, to all files that have it
    files: int
    clips: int
    cut: int  # files that were cut into several clips

    @classmethod
    def everywhere(cls, spool: Spool, report: DataReport, exchange: Exchange) -> Self:
        lengths, rates = own = (spool.lengths, spool.rates)
        if len(lengths) > MOST_TOLD:
            order = np.argsort(lengths / rates, kind="stable")
            chosen = order[np.linspace(0, len(order) - 1, MOST_TOLD).astype(int)]
            own = (lengths[chosen], rates[chosen])
        counts = [report.used, len(lengths), report.cut]
        told = [*(values.tolist() for values in own), list(report.source_rates.items()), counts]
        letters = exchange(told)
        if len(letters) == 1:
            return cls(lengths, rates, report.source_rates, *counts)
        all_lengths, all_rates, all_counted, all_counts = zip(*letters, strict=True)
        source_rates: Counter[int] = Counter()
        for counted in all_counted:
            source_rates.update(dict(counted))
        totals = np.sum(all_counts, axis=0).tolist()
        return cls(np.concatenate(all_lengths), np.concatenate(all_rates), source_rates, *totals)

    def scaled(self, sample_rate: int) -> np.ndarray:
        """Give the lengths in samples at this rate, (sounds,)."""
        return _scaled(self.lengths, self.rates, sample_rate)


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


def _sounds(files: Sequence[str], report: DataReport) -> Names:
    """Choose them; say of the others why not."""
    chosen = np.zeros(len(files), bool)
    for number, name in enumerate(files):
        chosen[number] = is_sound(file_of(name))
        if not chosen[number]:
            suffix = Path(name).suffix.lower() or "a file without an ending"
            report.skipped.append((name, f"{suffix} is not a sound"))
    return Names.of(files)[np.flatnonzero(chosen)]


def _nothing(folder: Path, report: DataReport, what: str) -> str:
    if not report.skipped:
        return f"{folder} is empty: put {SOUND_KINDS} files there"
    name, reason = report.skipped[0]
    return (
        f"{folder} holds {what}: {len(report.skipped)} files were skipped, "
        f"the first is {name} ({reason})"
    )
