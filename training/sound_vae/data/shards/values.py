"""Spectrograms that lie in shards, indexed as an array that is never in memory whole.

    shards = Shards(files, frames, bins, of=..., offsets=..., sizes=...)
    shards[np.array([3, 1_000_000])]           # (2, frames, bins), read from the files
    shards.order(np.arange(len(shards)), rng)  # an epoch's order, which reads each shard once

FastFile mode "works best when the data is read sequentially"
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html), so an epoch goes from
window to window: some shards that are read from beginning to end, and mixed with each other in
memory, while those of the next window are on their way. Any other clip is read alone.
"""

import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sound_vae.data.report import DataError
from sound_vae.data.shards.record import values_of

WINDOW_BYTES = 2**28  # of shards that are mixed with each other; twice that is in memory
READERS = 8  # shards, or clips, that are read at the same time


class Shards:
    """Clips (clips, frames, bins), float16 in 0..1, in the order in which the shards hold them."""

    dtype = np.dtype(np.float16)

    def __init__(
        self,
        files: Sequence[Path],
        frames: int,
        bins: int,
        *,
        of: np.ndarray,
        offsets: np.ndarray,
        sizes: np.ndarray,
        digest: bytes = b"",
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        """Clip i is the record of `sizes[i]` bytes at `offsets[i]` of the file number `of[i]`.

        `of` ascends. `digest` stands for all values.
        """
        self.files, self.digest, self.window_bytes = files, digest, window_bytes
        self.of, self.offsets, self.sizes = of, offsets, sizes
        self.shape = (len(of), frames, bins)
        self._pool = ThreadPoolExecutor(READERS)
        self._lock = threading.Lock()
        self._windows: list[list[int]] = []  # of the epoch, from that which is read now on
        self._loaded: dict[int, Future[mmap.mmap]] = {}  # by shard
        self._is_read = False  # something of the epoch

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, which: int | slice | np.ndarray) -> np.ndarray:
        """Read the clips; raises DataError when a shard is damaged."""
        if isinstance(which, int | np.integer):
            return self[np.array([which])][0]
        clips = np.arange(len(self))[which] if isinstance(which, slice) else np.asarray(which)
        values = np.zeros((len(clips), *self.shape[1:]), self.dtype)
        alone = []
        loaded = self._loaded_for(np.unique(self.of[clips]))
        for row, clip in enumerate(clips):
            if (shard := int(self.of[clip])) in loaded:
                at = int(self.offsets[clip])
                record = loaded[shard][at : at + int(self.sizes[clip])]
                self._put(values[row], record, shard)
            else:
                alone.append(row)
        # in the order of the files, so that who reads in that order reads on
        alone.sort(key=lambda row: (self.of[clips[row]], self.offsets[clips[row]]))
        parts = np.array_split(np.array(alone, int), min(READERS, max(len(alone), 1)))
        for _ in self._pool.map(lambda part: self._read_alone(values, clips, part), parts):
            pass
        return values

    def order(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give an order of `rows` (clips,) that mixes them, as indices into it.

        Shards come in any order, and the clips of a window of them are mixed. What is read next
        is begun to be fetched from then on.
        """
        of = self.of[rows]
        present = np.unique(of)
        windows = list(self._windows_of(rng.permutation(present)))
        window_of = np.zeros(len(self.files), int)
        for number, window in enumerate(windows):
            window_of[window] = number
        mixed = rng.permutation(len(rows))
        with self._lock:
            if self._is_read:
                self._windows, self._is_read = [], False
            self._windows += windows
            self._fetch()
        return mixed[np.argsort(window_of[of[mixed]], kind="stable")]

    def _windows_of(self, shards: np.ndarray) -> Iterator[list[int]]:
        window: list[int] = []
        size = 0
        for shard in shards.tolist():
            ends = self.files[shard].stat().st_size
            if window and size + ends > self.window_bytes:
                yield window
                window, size = [], 0
            window.append(shard)
            size += ends
        yield window

    def _loaded_for(self, shards: np.ndarray) -> dict[int, mmap.mmap]:
        """Give those of the shards that are in memory, or on their way there."""
        with self._lock:
            wanted = set(shards.tolist())
            if self._windows and wanted & set(self._windows[0]):
                self._is_read = True
            elif len(self._windows) > 1 and wanted & set(self._windows[1]):
                del self._windows[0]  # nothing of it is asked for any more
            self._fetch()
            found = {shard: self._loaded[shard] for shard in wanted & set(self._loaded)}
        return {shard: future.result() for shard, future in found.items()}

    def _fetch(self) -> None:
        """Keep this window and the next in memory, and nothing else."""
        near = [shard for window in self._windows[:2] for shard in window]
        for shard in set(self._loaded) - set(near):
            self._loaded.pop(shard).cancel()
        for shard in near:
            if shard not in self._loaded:
                self._loaded[shard] = self._pool.submit(whole, self.files[shard])

    def _read_alone(self, values: np.ndarray, clips: np.ndarray, part: np.ndarray) -> None:
        shard, file = -1, -1
        try:
            for row in part:
                clip = clips[row]
                if self.of[clip] != shard:
                    if file >= 0:
                        os.close(file)
                    shard = int(self.of[clip])
                    file = os.open(self.files[shard], os.O_RDONLY)
                record = os.pread(file, int(self.sizes[clip]), int(self.offsets[clip]))
                self._put(values[row], record, shard)
        finally:
            if file >= 0:
                os.close(file)

    def _put(self, row: np.ndarray, record: bytes, shard: int) -> None:
        try:
            found = values_of(record, row.shape[1])
            row[: len(found)] = found
        except Exception as error:  # of what is no record protobuf and numpy raise many kinds
            raise DataError(
                f"{self.files[shard].name} is damaged: delete it, and prepare the sounds again"
            ) from error


def whole(file: Path) -> mmap.mmap:
    """Read a file, which is not empty, into memory of its own, all of which is given back."""
    memory = mmap.mmap(-1, file.stat().st_size)  # what malloc gives may stay with a thread
    with file.open("rb", buffering=0) as content:
        at = 0
        while read := content.readinto(memoryview(memory)[at:]):
            at += read
    return memory
