"""Attempts in a process of their own: the stand-in is in one process with whoever tries it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context


@cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def apart(check: Callable[[int], str]) -> Callable[[int], str]:
    """Return `check` as it runs in the one other process, which all promises share."""
    return partial(_run, check)


def _run(check: Callable[[int], str], attempts: int) -> str:
    return _process().submit(check, attempts).result()
