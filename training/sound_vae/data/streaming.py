"""For data larger than memory: arrays in files, selections of rows, and a bounded map."""

import errno
import math
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:  # or whoever needs no TensorFlow would load it
    from sound_vae.data.shards.values import Shards

MOST_IN_BATCH = 256  # clips
BATCH_VALUES = 2**22  # of all clips in a batch, 16 MB as float32
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Scratch:
    """Zeros in a temporary file, which are written row by row and then read as one array.

    The file has no name, so it goes when the array does. Raises OSError when the disk has no room.
    """

    def __init__(self, shape: tuple[int, ...], dtype: type) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.row_bytes = math.prod(shape[1:]) * self.dtype.itemsize
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `array` closes it
        size = shape[0] * self.row_bytes
        if hasattr(os, "posix_fallocate"):  # a full disk is found here, not by dying at a write
            os.posix_fallocate(self._file.fileno(), 0, size)
        self._file.truncate(size)

    def write(self, row: int, values: np.ndarray) -> None:
        """Write values at the start of a row; a memory map would count as our memory."""
        content = np.ascontiguousarray(values, self.dtype).data
        os.pwrite(self._file.fileno(), content, row * self.row_bytes)

    def array(self) -> np.ndarray:
        """Return the rows as an array in the file; nothing can be written after this."""
        with self._file as file:
            return np.memmap(file, self.dtype, "r+", shape=self.shape)


class Rows:
    """A selection of rows of an array that may lie in a file; indexing reads no others."""

    def __init__(self, values: "np.ndarray | Shards | Rows", rows: np.ndarray) -> None:
        self.values: np.ndarray | Shards = values.values if isinstance(values, Rows) else values
        self.rows: np.ndarray = values.rows[rows] if isinstance(values, Rows) else rows
        self.shape = (len(rows), *self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: int | slice | np.ndarray) -> np.ndarray:
        return self.values[self.rows[which]]

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """Mix the rows' indices, (rows,); where that matters so that reading them is quick."""
        if isinstance(self.values, np.ndarray):
            return rng.permutation(len(self))
        return self.values.order(self.rows, rng)


def is_full_disk(error: BaseException) -> bool:
    """Whether it is an OSError that more room would mend."""
    return isinstance(error, OSError) and error.errno in FULL


def batches(clips: "np.ndarray | Shards | Rows") -> Iterator[slice]:
    """Yield slices of clips that fit into memory together: the larger the clips, the fewer."""
    size = min(max(BATCH_VALUES // int(np.prod(clips.shape[1:])), 1), MOST_IN_BATCH)
    for start in range(0, len(clips), size):
        yield slice(start, start + size)


def subsample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw at most `most` random rows, in order; all of them if there are no more."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def bounded_map(
    pool: Executor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    most: int,
    quick: Callable[[Item], bool] = lambda item: False,
) -> Iterator[Result]:
    """`pool.map`, but with at most `most` pending results (its own `buffersize` is Python 3.14's).

    Work on `quick` items is done in this thread: handing it over would take longer.
    """
    waiting: deque[Callable[[], Result]] = deque()
    for item in items:
        if quick(item):
            waiting.append(partial(_same, work(item)))
        else:
            waiting.append(pool.submit(work, item).result)
        if len(waiting) > most:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def _same(result: Result) -> Result:
    return result
