"""The clock for everything that only waits: Wait states, retries, jobs without spare capacity.

Real work takes its real time. A test that waits an hour sets `speed` and is done in seconds.
"""

import threading
import time
from collections.abc import Callable

speed = 1.0
"""Seconds of this clock in a real second."""


def wait(seconds: float, woken: threading.Event, is_over: Callable[[], bool]) -> None:
    """Wait `seconds` of this clock, or until `woken` is set and `is_over()` says so."""
    deadline = time.monotonic() + seconds / speed
    while not is_over() and (left := deadline - time.monotonic()) > 0:
        woken.wait(left)
