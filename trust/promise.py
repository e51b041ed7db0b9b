"""A promise, the attempts to break it, and what came of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Promise:
    """A sentence that users rely on, and how to try to break it.

    `check(n)` makes about `n` attempts and gives the figure for the page, such as
    "10,000 of 10,000 answered"; it raises `AssertionError` with the case that broke the promise.
    """

    sentence: str
    how: str  # how it is tried, one sentence
    attempts: int  # at full size; the tests make a few
    check: Callable[[int], str]


def for_all(strategy: SearchStrategy[Any], holds: Callable[[Any], None], attempts: int) -> None:
    """Call `holds` with that many values of the strategy; a failure names the smallest that fails.

    The same values in each run: a figure on the page is one that anybody can repeat.
    """
    quietly = settings(
        max_examples=attempts,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    quietly(given(strategy)(holds))()
