"""Warnings about data that can be trained on, but perhaps not as its owner expects."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

MANY_CROPPED = 0.05  # of the sounds; the chosen length cuts off at most 2 %
UNEQUAL = 6  # 90th percentile of length over the 10th


def about_sounds(
    seconds: np.ndarray,
    rates: Counter[int],
    *,
    files: int,
    clips: int,
    cut: int,
    several_channels: int,
    cropped: int,
    sample_rate: int,
    clip_seconds: float,
) -> Iterator[str]:
    """Warn of what reading changed, given lengths `seconds` (sounds,) and `rates` (Hz) of files.

    Of very many sounds `seconds` are those of some, evenly chosen; `clips` counts all.
    """
    if len(rates) > 1:
        yield from _rates(rates, sample_rate)
    low, high = np.percentile(seconds, [10, 90])
    if high > UNEQUAL * low:
        yield (
            f"The sounds are of very unequal length: a tenth is shorter than {low:.2f} s, a tenth "
            f"longer than {high:.2f} s. If they are of different kinds, put each kind into a "
            "folder of its own and train on one folder at a time."
        )
    if several_channels:
        yield f"{_of(several_channels, files)} stereo: the channels were mixed into one."
    if cut:
        yield (
            f"{_of(cut, files)} so long that {'it was' if cut == 1 else 'they were'} cut into "
            f"{clips - files + cut:,} clips, at silences and whenever a clip was full: set "
            "cut_long to false to keep the beginning alone."
        )
    if cropped > MANY_CROPPED * clips:
        yield (
            f"{_of(cropped, clips, 'clips' if cut else 'files')} longer than {clip_seconds:.2f} s "
            "and cut off there: set clip_seconds to keep more of them."
        )


def about_labels(labelled: int, files: int, different: int, *, used: bool) -> Iterator[str]:
    """Warn if labels were found in names but not used, or are missing."""
    if labelled and not used and labelled * 2 < files:
        yield (
            f"Only {_of(labelled, files)} labelled, so labels were left out: put every sound into "
            "a sub-folder named after its label, or name the files <label>_anything.wav."
        )
    elif labelled and not used:
        yield (
            f"The names give {different:,} labels to {labelled:,} files, so they were not taken "
            "for labels: put every sound into a sub-folder named after its label."
        )
    elif used and labelled < files:
        yield (
            f"{_of(files - labelled, files)} without a label: they are trained on, but no request "
            "can ask for them."
        )


def _rates(rates: Counter[int], sample_rate: int) -> Iterator[str]:
    files = rates.total()
    for higher in (True, False):
        others = sorted(rate for rate in rates if rate != sample_rate)
        others = [rate for rate in others if (rate > sample_rate) == higher]
        count = sum(rates[rate] for rate in others)
        if not count:
            continue
        verb = "has" if count == 1 else "have"
        have = f"{count:,} of {files:,} files {verb} {' or '.join(map(str, others))} Hz"
        if higher:
            yield (
                f"{have} and {'was' if count == 1 else 'were'} brought down to {sample_rate} Hz: "
                f"their sound above {sample_rate // 2} Hz is lost."
            )
        else:
            yield (
                f"{have}, less than the {sample_rate} Hz of the model: they hold no sound above "
                f"{max(others) // 2} Hz."
            )


def _of(count: int, of: int, what: str = "files") -> str:
    return f"{count:,} of {of:,} {what} {'is' if count == 1 else 'are'}"
