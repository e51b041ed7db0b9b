"""What a run prints: sentences, and figures that SageMaker reads out of the log as metrics.

Sentences quote names of files, folders and labels, which anybody may choose who can put a file into
the data folder. None of them may be taken for a figure, or for a line of its own.
"""

import json
from collections.abc import Mapping
from pathlib import Path

PREFIX: str = json.loads(
    Path(__file__).parents[1].joinpath("metrics.json").read_text(encoding="utf-8")
)["prefix"]
UNLIKE_TEXT = "=\\"  # the one makes figures, the other escapes


def sentence(text: str) -> str:
    """Write what cannot be printed, = and backslashes as escapes, so that all is one plain line."""
    return "".join(map(_escaped, text))


def figures_line(figures: Mapping[str, float]) -> str:
    """Give the line that the regular expressions of the job's metrics look for."""
    return " ".join([PREFIX, *(f"{name}={value:.6g}" for name, value in figures.items())])


def _escaped(character: str) -> str:
    if character.isprintable() and character not in UNLIKE_TEXT:
        return character
    if character == "=":
        return "\\x3d"
    return character.encode("unicode_escape").decode()
