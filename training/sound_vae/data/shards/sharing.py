"""Shares files out among shards."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sound_vae.data.shards.layout import SUFFIX, Prepared, shard_bytes
from sound_vae.data.shards.planning import Listed

VALUE_BYTES = 2  # float16
MOST_NAMED = 3  # files in a sentence


@dataclass(frozen=True)
class Shard:
    """A shard that is to be written."""

    name: str
    files: list[Listed]

    def volume(self, number: int) -> str:
        """Name the file, or a further one for what it cannot hold."""
        return self.name.replace(SUFFIX, f"-{number}{SUFFIX}") if number else self.name

    def __str__(self) -> str:
        """Name its files, the first of them if there are many."""
        names = [file.name for file in self.files]
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        return f"the shard {self.name} with {', '.join(names[:MOST_NAMED])}{more}"


def shards_of(files: Iterable[Listed], prepared: Prepared, name: str) -> Iterator[Shard]:
    """Share the files out among shards that are full when each file is one clip."""
    framing = prepared.framing
    clip_bytes = framing.frames * framing.bins * VALUE_BYTES
    size = max(shard_bytes() // clip_bytes, 1)
    remaining = iter(files)
    number = 0
    while chosen := list(islice(remaining, size)):
        yield Shard(f"{name}-{number:05}{SUFFIX}", chosen)
        number += 1
