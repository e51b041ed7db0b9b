"""Which files a data folder holds, which of them are sounds, and what their names say.

Labels come from the first sub-folder, or in a flat folder from `<label>_anything.wav`.

A link is followed to a file within the folder and nowhere else: whoever may write into the folder
must not bring other files of the machine into a model.
"""

import heapq
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sound_vae.data.names import Names
from sound_vae.data.report import DataError, Skipped

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}
SOUND_KINDS = ".wav, .flac, .ogg, .mp3 or .aiff"  # in sentences
ENTRIES = 100_000  # of one folder that are sorted at once
END = "\0"  # no name holds it, and it comes before all that names hold, so that their order stays
FOLDER = "folder"


def visible_files(folder: Path) -> tuple[Names, Skipped]:
    """List every file below the folder as a relative path, in the same order on every machine.

    The second are those that must not be opened, each with the reason. Raises DataError when there
    is no such folder.
    """
    files, refused = Names(), Skipped()
    try:
        for name, refusal in _files(str(folder), "", folder.resolve()):
            if refusal:
                refused.append((name, refusal))
            else:
                files.append(name)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise DataError(f"{folder} is not a folder that can be read") from error
    return files, refused


def _files(folder: str, below: str, root: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's name and why it must not be opened, "" if it may be, folder by folder."""
    for entry in _sorted(_visible(folder, below, root)):
        name, _, refusal = entry.partition(END)
        if refusal != FOLDER:
            yield below + name, refusal
            continue
        try:
            yield from _files(f"{folder}/{name}", f"{below}{name}/", root)
        except OSError as error:
            yield below + name, f"a folder that cannot be read ({error.strerror})"


def _visible(folder: str, below: str, root: Path) -> Iterator[str]:
    """Yield what a folder holds: a name, END, and why it must not be opened, or FOLDER."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield f"{entry.name}{END}{FOLDER}"
            else:
                yield f"{entry.name}{END}{_refusal(below + entry.name, entry, root)}"


def _sorted(entries: Iterator[str]) -> Iterator[str]:
    """Sort, with no more than ENTRIES in a list at a time; the others wait in buffers."""
    runs: list[Names] = []
    while run := sorted(islice(entries, ENTRIES)):
        if len(run) < ENTRIES and not runs:
            return iter(run)
        runs.append(Names(run))
    return heapq.merge(*runs)


def _refusal(name: str, entry: "os.DirEntry[str]", root: Path) -> str:
    if not _is_text(name):
        return "its name is not UTF-8"
    if not entry.is_symlink():
        return "" if entry.is_file(follow_symlinks=False) else "not a regular file"
    try:
        to = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return "a link that leads nowhere"
    if not to.is_relative_to(root):
        return "a link that leads out of the folder"
    return "" if to.is_file() else "a link to something that is no file"


def _is_text(name: str) -> bool:
    """Whether the name's bytes are UTF-8; Python makes lone surrogates of others."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


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
