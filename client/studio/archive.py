"""What a model.tar.gz says of its model: model.json and map.json, read without unpacking it."""

import gzip
import tarfile
import zlib
from typing import IO

from client.failure import Failure

MOST_UNPACKED, MOST_MEMBERS = 2_000_000_000, 10_000
MOST_READ = {"model.json": 1_000_000, "map.json": 50_000_000}  # bytes
"""The files that are read, and how large each may be: 2,000 points of 512 numbers have 20 MB."""


def read(compressed: IO[bytes]) -> dict[str, bytes]:
    """Return the contents of those files that are there, by their names.

    The archive is read as a stream from front to back and never written to this machine's disk.
    Raises `Failure` when it is none, or larger than a model can be.
    """
    found: dict[str, bytes] = {}
    plain = _Counted(fileobj=compressed)
    try:
        with tarfile.open(fileobj=plain, mode="r|") as archive:
            for number, member in enumerate(archive):
                if number >= MOST_MEMBERS:
                    raise Failure(f"The model's archive holds more than {MOST_MEMBERS} files.")
                name = member.name.removeprefix("./")
                if name not in MOST_READ or name in found:
                    continue
                if not member.isreg():
                    raise Failure(f"{name} in the model's archive is no regular file.")
                if member.size > MOST_READ[name]:
                    most = MOST_READ[name] // 1_000_000
                    raise Failure(f"{name} in the model's archive is larger than {most} MB.")
                file = archive.extractfile(member)
                found[name] = file.read() if file else b""
                if len(found) == len(MOST_READ):
                    break
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise Failure(f"The model's archive cannot be read: {error}.") from error
    return found


class _Counted(gzip.GzipFile):
    """Reads until too much was read: a small archive can unpack to anything."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.read_bytes += len(content)
        if self.read_bytes > MOST_UNPACKED:
            raise Failure(
                f"The model's archive unpacks to more than {MOST_UNPACKED // 1_000_000} MB."
            )
        return content
