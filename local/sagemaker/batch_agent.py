"""What SageMaker does beside a transform job's container: it posts objects and keeps the answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html has the rules: an object is one
request, or with SplitType Line as many as BatchStrategy says; the answers to an object are one
object again, and none if any of its requests fails; the others go on.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import requests

MEGABYTE = 2**20
PAYLOAD_MB, CONCURRENT, SECONDS, RETRIES = 6, 1, 600, 3
"""Unless the job says otherwise: the defaults of CreateTransformJob and ModelClientConfig."""
MOST_MB = 100  # MaxConcurrentTransforms times MaxPayloadInMB
RETRY_SECONDS = 0.2


class ObjectFailedError(Exception):
    """One object has no result; the message begins the job's FailureReason."""


class Input(NamedTuple):
    """An object of the bucket, and the name of its result below the job's output path."""

    bucket: str
    key: str
    result: str


class Agent:
    """Has one container transform objects; `job` is moto's record of the transform job."""

    def __init__(self, job: Any, url: str, say: Callable[[str], None]) -> None:
        client = job.model_client_config or {}
        self._input, self._output = job.transform_input, job.transform_output
        self._together = (job.batch_strategy or "MultiRecord") == "MultiRecord"
        self._most = (job.max_payload_in_mb or PAYLOAD_MB) * MEGABYTE
        self.concurrent = job.max_concurrent_transforms or CONCURRENT
        self._seconds = client.get("InvocationsTimeoutInSeconds", SECONDS)
        self._retries = client.get("InvocationsMaxRetries", RETRIES)
        self._url, self._say = url, say
        self._over = threading.Event()
        self.sent = 0

    def stop(self) -> None:
        """Send no more requests."""
        self._over.set()

    @property
    def over(self) -> bool:
        """Whether it sends no more requests."""
        return self._over.is_set()

    def run(
        self, inputs: list[Input], fetch: Callable[[Input], bytes], folder: Path
    ) -> Iterator[Path | ObjectFailedError]:
        """Yield for each object the file with its result, or why there is none."""
        waiting: deque[tuple[Input, list[Future[bytes]]]] = deque()
        with ThreadPoolExecutor(self.concurrent) as pool:
            for one in [*inputs, None]:
                if one and not self._over.is_set():
                    payloads = self._payloads(fetch(one))
                    waiting.append((one, [pool.submit(self._post, body) for body in payloads]))
                while waiting and (one is None or len(waiting) > self.concurrent):
                    yield self._assembled(*waiting.popleft(), folder)

    def _payloads(self, content: bytes) -> list[bytes]:
        if self._input.get("SplitType", "None") != "Line":
            return [content]
        lines = [line + b"\n" for line in content.split(b"\n") if line]
        if not self._together:
            return [line.rstrip(b"\n") for line in lines]
        payloads = [b""]
        for line in lines:
            if payloads[-1] and len(payloads[-1]) + len(line) > self._most:
                payloads.append(b"")
            payloads[-1] += line
        return payloads

    def _assembled(
        self, one: Input, answers: list["Future[bytes]"], folder: Path
    ) -> Path | ObjectFailedError:
        end = b"\n" if self._output.get("AssembleWith") == "Line" else b""
        target = folder / one.result
        try:
            content = b"".join(answer.result() + end for answer in answers)
        except ObjectFailedError as failure:
            for line in str(failure).splitlines() or [""]:
                self._say(f"[sagemaker logs]: {one.bucket}/{one.key}: {line}")
            return failure
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def _post(self, body: bytes) -> bytes:
        """Return the answer to one request; raises `ObjectFailedError`."""
        if len(body) > self._most:
            raise ObjectFailedError("ClientError: Too much data for max payload size")
        headers = {"Content-Type": self._input.get("ContentType") or "application/octet-stream"}
        if accept := self._output.get("Accept"):
            headers["Accept"] = accept
        said = "AlgorithmError: Unable to get response from algorithm"
        for attempt in range(1 + self._retries):
            if self._over.is_set():
                break
            if attempt:
                time.sleep(RETRY_SECONDS)
            self.sent += 1
            try:
                answer = requests.post(
                    f"{self._url}/invocations", body, headers=headers, timeout=self._seconds
                )
            except requests.RequestException:
                continue
            if answer.ok:
                return answer.content
            by_client = answer.status_code < requests.codes.server_error
            kind = "ClientError" if by_client else "AlgorithmError"
            said = f"{kind}: {answer.status_code}\nMessage:\n{answer.text}"
            if by_client:
                break
        raise ObjectFailedError(said)
