"""A bucket's listing of any length takes little memory, and each object is given away once."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

from client.listing import Found, Listing

MANY, PAGE = 20_000, 1000


class Bucket:
    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        yield {}  # as of an empty bucket
        for start in range(0, MANY, PAGE):
            numbers = range(start, start + PAGE)
            yield {
                "Contents": [
                    {"Key": f"{Prefix}{n:06}.wav", "Size": n, "ETag": f'"{n:032}"'} for n in numbers
                ]
            }


def test_an_object_is_given_away_once() -> None:
    listing = Listing(Bucket(), "b", "audio/")
    assert len(listing) == MANY
    assert listing.take("audio/000007.wav") == Found(7, f"{7:032}")
    assert listing.take("audio/000007.wav") is None
    assert listing.take("audio/none.wav") is None
    for number in range(7):
        listing.take(f"audio/{number:06}.wav")
    assert (len(listing), listing.first()) == (MANY - 8, "audio/000008.wav")


def test_objects_take_no_memory() -> None:
    tracemalloc.start()
    listing = Listing(Bucket(), "b", "audio/")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(listing) == MANY
    assert peak < 2_000_000  # a page; as dictionaries all of them would be 15 MB
