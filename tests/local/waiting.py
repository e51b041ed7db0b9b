"""Waiting for what is to become true, and not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 600  # of a busy machine

Found = TypeVar("Found")


def until(what: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
    """Return the first answer of `what` that is true; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.05)
    return found
