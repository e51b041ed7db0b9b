"""What a serverless endpoint refuses: too many bytes, too many requests, too much memory or time.

AWS's words for each, from the pages of SageMaker's guide on serverless endpoints unless it says
otherwise.

- Bytes: "The maximum request and response payload size for serverless invocations is 4 MB"; what is
  too large is a ValidationError, "Request ... has oversize body" (aws/sagemaker-python-sdk, issue
  4271).
- Requests: "any endpoint invocations beyond the maximum are throttled", a ThrottlingException.
- Time: "the timeout for the container to respond to inference requests to /invocations is 1
  minute"; callers met the sentence with status 0 (aws-samples/host-yolov8-on-sagemaker-endpoint,
  issue 21).
- Memory: 1024 to 6144 MB. A container that takes more is ended, and whoever waits for it gets a
  ModelError.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

MOST_BYTES = 4_000_000
"""Of a request and of an answer: the smaller reading of 4 MB, so what passes here passes on AWS."""

INVOCATION_SECONDS = 60
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
LOOK_SECONDS = 1
"""Between two looks at a container's memory."""


class ThrottledError(Exception):
    """As many requests are being answered as the endpoint takes at once."""


class Concurrency:
    """Counts the requests that an endpoint is answering."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}  # by endpoint
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self, endpoint_name: str, most: int | None) -> Iterator[None]:
        """Answer a request within the block; raises `ThrottledError` beyond `most`."""
        with self._lock:
            running = self._running.get(endpoint_name, 0)
            if most is not None and running >= most:
                raise ThrottledError
            self._running[endpoint_name] = running + 1
        try:
            yield
        finally:
            with self._lock:
                self._running[endpoint_name] -= 1


def config_of(endpoint: Any) -> dict[str, Any]:
    """Return MemorySizeInMB and MaxConcurrency of moto's endpoint; empty: it has instances."""
    variant = endpoint.production_variants[0]
    config: dict[str, Any] = variant.get("CurrentServerlessConfig") or variant.get(
        "ServerlessConfig", {}
    )
    return config


def resident_mb(pid: int) -> float:
    """Return the memory of a process and of all that it has started, in MB of 1024 * 1024 bytes."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / 2**20
    except psutil.NoSuchProcess:
        return 0


def watch_memory(pid: int, limit_mb: Callable[[], float | None], end: Callable[[], None]) -> None:
    """Call `end` once the container takes more than its limit; return when it is gone."""
    while psutil.pid_exists(pid):
        limit = limit_mb()
        if limit is not None and resident_mb(pid) > limit:
            end()
            return
        time.sleep(LOOK_SECONDS)
