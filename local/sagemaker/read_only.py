"""A serverless endpoint's file system, of which only the temporary folder can be written to."""

import errno
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

CHANGES = {
    "os.chmod": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
}
"""Audit events of changes, and which of their arguments are the paths that change."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def make_read_only() -> None:
    """From now on let this process write to its temporary folder (TMPDIR) and to devices alone.

    What is refused is what Python code does: an OSError, "Read-only file system".
    """
    writable = [Path(folder).resolve() for folder in ("/dev", tempfile.gettempdir())]

    def refuse(path: Any) -> None:
        if isinstance(path, int):  # a file that is open already
            return
        where = Path(os.fsdecode(path)).resolve()
        if not any(folder in where.parents for folder in writable):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & WRITING:
            refuse(arguments[0])
        for number in CHANGES.get(event, ()):
            refuse(arguments[number])

    sys.addaudithook(look)
