"""The peak memory of a process together with its children."""

import threading
from types import TracebackType

import psutil

POLL_SECONDS = 0.1


class Watch:
    """Samples a process's memory from a thread for as long as the `with` block lasts.

    with Watch(process.pid) as watch:
        process.wait()
    print(watch.most_mib)
    """

    def __init__(self, pid: int) -> None:
        self.pid, self.most_mib = pid, 0.0
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._finished.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.most_mib = max(self.most_mib, tree_mib(self.pid))
            if self._finished.wait(POLL_SECONDS):
                return


def tree_mib(pid: int) -> float:
    """Memory of a process and its children, in MiB; what they share counts once on Linux."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    return sum(map(_mib, processes))


def _mib(process: psutil.Process) -> float:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0.0  # it has ended meanwhile
    return getattr(memory, "pss", memory.rss) / 2**20
