"""CloudWatch Logs: jobs and endpoints write their output there, under their own role."""

import contextlib
import threading
import time
from types import TracebackType

from botocore.exceptions import ClientError

from local.aws import client_as
from local.sagemaker import SERVICE

FLUSH_SECONDS = 0.5
"""The delay with which somebody who follows a job sees its lines."""


class LogStream:
    """One stream of a log group; `write` collects lines, a thread sends them in batches.

    As on AWS, a role without the logs permissions leaves no log and disturbs nothing else.
    """

    def __init__(self, group: str, stream: str, role_arn: str, region: str) -> None:
        self._where = {"logGroupName": group, "logStreamName": stream}
        self._client = client_as(role_arn, SERVICE, "logs", region)
        self._lines: list[dict[str, object]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._send_until_closed, daemon=True)

    def __enter__(self) -> "LogStream":
        with contextlib.suppress(ClientError):  # there already, or not allowed
            self._client.create_log_group(logGroupName=self._where["logGroupName"])
        with contextlib.suppress(ClientError):
            self._client.create_log_stream(**self._where)
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._thread.join()

    def write(self, line: str) -> None:
        """Add one line; blank ones are dropped, as CloudWatch takes no empty message."""
        if line.strip():
            with self._lock:
                now = int(time.time() * 1000)
                self._lines.append({"timestamp": now, "message": line.rstrip()})

    def _send_until_closed(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self._send()
        self._send()

    def _send(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        if lines:
            with contextlib.suppress(ClientError):
                self._client.put_log_events(**self._where, logEvents=lines)
