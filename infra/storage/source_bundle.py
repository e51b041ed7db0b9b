"""The training source as one archive, the same bytes for the same files."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

NAME = "sourcedir.tar.gz"


def files_of(folder: Path) -> list[Path]:
    """List what belongs to the source, sorted: everything but caches and hidden files."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(
            part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts
        )
        and path.suffix != ".pyc"
    ]


def content_hash(folder: Path) -> str:
    """Hash names and contents, and nothing else, to sixteen hex digits."""
    digest = hashlib.sha256()
    for path in files_of(folder):
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        digest.update(b"%d %d " % (len(name), len(content)) + name + content)
    return digest.hexdigest()[:16]


def pack(folder: Path) -> bytes:
    """Pack `folder` without owners, times and leading `./`, as the toolkit unpacks it."""
    packed = io.BytesIO()
    # an empty file name and a zero time: gzip would write both into its header
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in files_of(folder):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = path.stat().st_size
            entry.mode = 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return packed.getvalue()
