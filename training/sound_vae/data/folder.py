"""Which files a data folder holds, which of them are sounds, and what their names say.

Labels come from the first sub-folder, or in a flat folder from `<label>_anything.wav`.

A link is followed to a file within the folder and nowhere else: whoever may write into the folder
must not bring other files of the machine into a model.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sound_vae.data.report import DataError

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}
SOUND_KINDS = ".wav, .flac, .ogg, .mp3 or .aiff"  # in sentences


def visible_files(folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """List every file below the folder as a relative path, in the same order on every machine.

    The second list holds those that must not be opened, each with the reason. Raises DataError
    when there is no such folder.
    """
    try:
        found = sorted(_files(str(folder), "", folder.resolve()), key=lambda f: f[0].split("/"))
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise DataError(f"{folder} is not a folder that can be read") from error
    files = [name for name, refusal in found if not refusal]
    return files, [(name, refusal) for name, refusal in found if refusal]


def _files(folder: str, below: str, root: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's name and why it must not be opened, "" if it may be."""
    for entry in os.scandir(folder):
        name = below + entry.name
        if entry.name.startswith("."):
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield name, _refusal(name, entry, root)
            continue
        try:
            yield from _files(entry.path, f"{name}/", root)
        except OSError as error:
            yield name, f"a folder that cannot be read ({error.strerror})"


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
