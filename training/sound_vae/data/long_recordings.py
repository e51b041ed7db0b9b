"""Where a recording that is much longer than a clip is cut into clips, and what those are called.

A recording is long when it sounds for more than MOST_CLIP_SECONDS and for CLIPS clips or more.
Then

1. it is cut wherever it is silent for SILENCE_SECONDS, by the rule that its ends are trimmed by;
2. what sounds longer than a clip is cut whenever a clip is full; what is left over at the end
   counts when it is half a clip or more;
3. what never comes within POOR_DB of the recording's loudest moment, or is too short for a sound,
   is left out;
4. of more than MOST_PIECES as many stay, evenly spread, so that one recording does not drown the
   other sounds of its label.

A piece is called `rain.wav#12.500-16.500`, by the seconds of the file where it begins and ends: so
it can be found by ear, and read again without its neighbours.
"""

import math
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

SHORTEST_SECONDS = 0.02
MOST_CLIP_SECONDS = 30.0  # no clip is longer, whatever clip_seconds asks for
CLIPS = 3
SILENCE_SECONDS = 0.25  # longer than the stop of a consonant, shorter than a pause between words
POOR_DB = 30.0
MOST_PIECES = 1000  # more than an hour of 4 s each
PIECE = re.compile(r"(.+)#(\d+\.\d{3})-(\d+\.\d{3})", re.DOTALL)


class Part(NamedTuple):
    """A part of a file, in seconds, to a thousandth."""

    start: float
    end: float

    def of(self, file: str) -> str:
        """Name this part of the file."""
        return f"{file}#{self.start:.3f}-{self.end:.3f}"


def file_and_part(name: str) -> tuple[str, Part | None]:
    """Give the file of a clip, and the part of it where the clip is a piece."""
    found = PIECE.fullmatch(name) if "#" in name else None
    return (found[1], Part(float(found[2]), float(found[3]))) if found else (name, None)


def file_of(name: str) -> str:
    """Give the file of a clip."""
    return file_and_part(name)[0]


def by_file(names: Iterable[str]) -> Iterator[tuple[str, list[Part]]]:
    """Yield each file once for names that follow each other, with the parts; none: all of it."""
    for file, same in groupby(map(file_and_part, names), lambda named: named[0]):
        yield file, [part for _, part in same if part]


def is_long(seconds: float, clip_seconds: float, cut_long: bool | None) -> bool:
    """Whether a recording is cut; `cut_long` says that it is from CLIPS clips on, or never is."""
    if cut_long is None:
        return seconds > MOST_CLIP_SECONDS and seconds >= CLIPS * clip_seconds
    return cut_long and seconds >= CLIPS * clip_seconds


def pieces(
    power: np.ndarray, moment: int, total: int, rate: int, trim_db: float, clip_seconds: float
) -> list[Part]:
    """Choose the parts by the rule, each at most `clip_seconds`.

    `power` (moments,) is of every `moment` samples; there are `total`, `rate` a second.
    """
    loudest = power.max()
    loud = np.flatnonzero(power > loudest * 10 ** (-trim_db / 10))
    gaps = np.flatnonzero(np.diff(loud) > SILENCE_SECONDS * rate / moment)
    starts = loud[np.append(0, gaps + 1)] * moment
    ends = np.minimum((loud[np.append(gaps, len(loud) - 1)] + 1) * moment, total)
    most = math.floor(clip_seconds * rate)
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        for at in range(start, end, most):
            stop = min(at + most, end)
            left_over = at > start and stop - at < most / 2
            heard = power[at // moment : -(-stop // moment)].max()
            poor = heard <= loudest * 10 ** (-POOR_DB / 10)
            if not left_over and not poor and stop - at >= SHORTEST_SECONDS * rate:
                found.append(Part(at / rate, stop / rate))
    if len(found) <= MOST_PIECES:
        return found
    spread = np.linspace(0, len(found) - 1, MOST_PIECES).round().astype(int)
    return [found[number] for number in spread]
