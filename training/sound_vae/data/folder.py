"""Which files a data folder holds, which of them are sounds, and what their names say.

Labels come from the first sub-folder, or in a flat folder from `<label>_anything.wav`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sound_vae.data.report import DataError

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


def visible_files(folder: Path) -> list[str]:
    """List every file below the folder as a relative path, in the same order on every machine.

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
    """Whether the file name has the suffix of a sound."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122 - many names


def label_of(name: str) -> str | None:
    """`seven/a.wav` and `seven_a.wav` are "seven"; `a.wav` has no label."""
    folder, _, rest = name.partition("/")
    if rest:
        return folder
    label, underscore, _ = folder.partition("_")
    return label if underscore and label else None
