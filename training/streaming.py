"""What lets data be larger than memory: arrays in files, parts of them, and work a little ahead."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

import numpy as np

MOST_IN_BATCH = 256  # clips
BATCH_VALUES = 2**22  # and so many numbers, 16 MB
Item = TypeVar("Item")
Result = TypeVar("Result")


def scratch_array(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Zeros in a temporary file, which has no name and so goes when the array does.

    Raises OSError when the disk has no room for it.
    """
    with tempfile.TemporaryFile() as file:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if hasattr(os, "posix_fallocate"):  # a full disk is found here, not by dying at a write
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)
        return np.memmap(file, dtype, "r+", shape=shape)


class Rows:
    """Some rows of an array that may lie in a file; indexing reads those asked for, no others."""

    def __init__(self, values: "np.ndarray | Rows", rows: np.ndarray) -> None:
        self.values: np.ndarray = values.values if isinstance(values, Rows) else values
        self.rows: np.ndarray = values.rows[rows] if isinstance(values, Rows) else rows
        self.shape = (len(rows), *self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: slice | np.ndarray) -> np.ndarray:
        return self.values[self.rows[which]]


def batches(clips: np.ndarray | Rows) -> Iterator[slice]:
    """Parts of clips that can be looked at together: fewer where each is large."""
    size = min(max(BATCH_VALUES // int(np.prod(clips.shape[1:])), 1), MOST_IN_BATCH)
    for start in range(0, len(clips), size):
        yield slice(start, start + size)


def some(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """All rows, or as many random ones as `most`, in order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def ahead(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], most: int
) -> Iterator[Result]:
    """`pool.map`, but with at most so many results that nobody has taken yet."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
