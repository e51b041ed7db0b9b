"""Labels as names of files: people choose labels, and file systems have rules."""

import re
from collections.abc import Sequence

LONGEST = 100  # characters; file systems take 255 bytes


def plain(label: str) -> str:
    """Give a label without what a file's name may not hold; `any` where nothing is left."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", label)[:LONGEST] or "any"


def plain_names(labels: Sequence[str]) -> list[str]:
    """Give each label a name of its own: the second that would be called `any` is `any-2`."""
    names: list[str] = []
    for label in labels:
        name, number = plain(label), 1
        while name in names:
            number += 1
            name = f"{plain(label)}-{number}"
        names.append(name)
    return names
