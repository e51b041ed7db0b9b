"""What a prepared folder holds: its manifest, read into arrays, and the report on its files.

Some hundred bytes of memory are needed for a clip, none of them for its spectrogram.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sound_vae.data.contents import numbered
from sound_vae.data.folder import label_of
from sound_vae.data.names import Names
from sound_vae.data.report import DataError, DataReport, Skipped
from sound_vae.data.shards.layout import ALL, LISTING, PARTS, STALE, Prepared
from sound_vae.data.shards.part import Entry, read_part
from sound_vae.data.shards.values import Shards
from sound_vae.data.warnings import about_sounds
from sound_vae.model.framing import Framing


@dataclass(frozen=True)
class Catalogue:
    """The clips of those shards that are in the folder, with labels and report of all."""

    shards: Shards
    names: Names
    label_ids: np.ndarray  # (clips,), index into labels or NO_LABEL
    labels: list[str]
    framing: Framing
    report: DataReport


def read_catalogue(folder: Path, manifest: Path, **chosen: Any) -> Catalogue:
    """Read which clips lie where.

    Of several machines each may have some of the shards; labels and report are of all. Raises
    DataError when the sounds were prepared otherwise than is `chosen`, or none could be used.
    """
    prepared = Prepared.read(manifest)
    _check(prepared, manifest, **chosen)
    framing, rate = prepared.framing, prepared.framing.sample_rate
    listing = json.loads((manifest / LISTING).read_text("utf-8"))
    others = Skipped((name, reason) for name, reason in listing["others"])
    report = DataReport(files=listing["files"], skipped=others)
    names = Names()
    shard_names: list[str] = []
    of, offsets, sizes, lengths, rates = (array(kind) for kind in "iqiqi")
    of_files = Counter[int]()  # Hz, to files
    several_channels, cut, pieces = 0, 0, 0
    digest = hashlib.sha256(json.dumps(framing.to_json(), sort_keys=True).encode())
    shard_of: dict[str, int] = {}  # of a file
    for shard, entries in _valid_entries(manifest):
        shard_names.append(shard)
        for entry in entries:
            is_first = entry.name not in shard_of
            number = shard_of.setdefault(entry.name, len(shard_names) - 1)
            if number != len(shard_names) - 1:  # two executions prepared it at the same time
                continue
            if entry.clip is None:
                report.skipped.append((entry.name, entry.reason))
                continue
            clip = entry.clip
            names.append(clip.part.of(entry.name) if clip.part else entry.name)
            of.append(number)
            offsets.append(clip.offset)
            sizes.append(clip.size)
            lengths.append(clip.length)
            rates.append(clip.rate)
            pieces += clip.part is not None
            if is_first:
                of_files[clip.rate] += 1
                several_channels += clip.channels > 1
                cut += clip.part is not None
            digest.update(f"{names[-1]}\0{entry.etag}\n".encode())
    if not names:
        raise DataError(_nothing(report))
    report.source_rates, report.cut, report.pieces = of_files, cut, pieces
    seconds = np.array(lengths) / np.array(rates)
    scaled = -(-np.array(lengths) * rate // np.array(rates))
    report.kept = len(names)
    report.padded = int((scaled < prepared.samples).sum())
    report.cropped = int((scaled > prepared.samples).sum())
    report.notes += prepared.notes
    report.notes.append(
        f"prepared in {len(shard_names):,} shards; rate, length and window were chosen by "
        f"{prepared.looked_at:,} of {prepared.sounds:,} sounds"
    )
    report.warnings += about_sounds(
        seconds,
        report.source_rates,
        files=report.used,
        clips=len(names),
        cut=cut,
        several_channels=several_channels,
        cropped=report.cropped,
        sample_rate=rate,
        clip_seconds=prepared.clip_seconds,
    )
    labels, label_ids = numbered([label_of(name) for name in names], report)
    files = [folder / name for name in shard_names]
    here = np.flatnonzero(np.array([file.is_file() for file in files])[np.array(of)])
    if not len(here):
        raise DataError(
            f"{folder} holds none of the {len(files)} shards: with more machines than shards some "
            "have nothing to learn from, so lower instance_count"
        )
    at = np.array(offsets)[here]
    order = here[np.lexsort((at, np.array(of)[here]))]
    shards = Shards(
        files,
        framing.frames,
        framing.bins,
        of=np.array(of)[order],
        offsets=np.array(offsets)[order],
        sizes=np.array(sizes)[order],
        digest=digest.digest(),
    )
    return Catalogue(shards, names[order], label_ids[order], labels, framing, report)


def _valid_entries(manifest: Path) -> Iterator[tuple[str, Iterator[Entry]]]:
    """Yield each shard with the lines of its part that still hold."""
    stale = json.loads((manifest / STALE).read_text("utf-8"))
    for part in sorted((manifest / PARTS).glob("*.jsonl")):
        shard = part.stem
        gone = stale.get(shard, [])
        if gone == ALL:
            continue
        rows = frozenset(gone)
        yield shard, (entry for entry in read_part(part) if entry.row not in rows)


def _check(prepared: Prepared, manifest: Path, **chosen: Any) -> None:
    """Raise DataError when something was chosen that the sounds were not prepared with."""
    framing = prepared.framing
    wanted = {name: value for name, value in chosen.items() if value is not None}
    have = {
        "sample_rate": framing.sample_rate,
        "n_fft": framing.n_fft,
        "hop_length": framing.hop_length,
        "trim_db": prepared.trim_db,
        "cut_long": prepared.cut_long,
    }
    for name, value in wanted.items():
        if name in have and have[name] != value:
            raise DataError(
                f"{name} is {_word(value)}, and the sounds in {manifest.parent} were prepared "
                f"{f'with {_word(have[name])}' if have[name] is not None else 'without it'}: "
                "prepare them anew, or train on the files themselves"
            )
    seconds = wanted.get("clip_seconds", prepared.clip_seconds)
    asked = Framing.choose(
        framing.sample_rate, seconds, n_fft=framing.n_fft, hop_length=framing.hop_length
    )
    if asked != framing:
        raise DataError(
            f"clip_seconds is {seconds:g}, and the sounds in {manifest.parent} were prepared with "
            f"{prepared.clip_seconds:g}: prepare them anew, or train on the files themselves"
        )


def _word(value: Any) -> str:
    """Write a hyperparameter as users do."""
    return json.dumps(value) if isinstance(value, bool) else f"{value}"


def _nothing(report: DataReport) -> str:
    if not report.skipped:
        return "no sound was prepared: put some into the folder, and prepare it again"
    name, reason = report.skipped[0]
    return (
        f"no sound could be prepared: {len(report.skipped)} files were skipped, the first is "
        f"{name} ({reason})"
    )
