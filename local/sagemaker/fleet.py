"""The containers behind an endpoint: one if it is serverless, else one for each instance.

A request goes to one of them at random, as SageMaker's default routing does ("RANDOM",
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantRoutingConfig.html).
An update makes another fleet: it is up before requests go there, and the former one answers what it
has begun (blue/green, all at once:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html).
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.sagemaker.endpoint import ModelServer, acquire, release


class RetiredError(Exception):
    """Another fleet has taken this one's place."""


class Fleet:
    """So many containers with the same model; raises `ModelNotServedError` if one does not come up.

    `memory_mb` is the size of a serverless endpoint: None for one with instances, of which each has
    a container that nobody else uses.
    """

    def __init__(
        self, model: Any, endpoint_name: str, region: str, memory_mb: float | None, count: int
    ) -> None:
        self._start = lambda: acquire(
            model, endpoint_name, region, memory_mb, alone=memory_mb is None
        )
        self._servers: list[ModelServer] = []
        self._answering: Counter[ModelServer] = Counter()
        self._changed = threading.Condition()
        self._retired = False
        self.asked = 0
        """Requests since the beginning."""
        try:
            self.resize(count)
        except BaseException:
            self.retire()
            raise

    @property
    def size(self) -> int:
        """How many containers there are."""
        return len(self._servers)

    @property
    def pids(self) -> list[int]:
        """The processes that hold the containers."""
        return [server.pid for server in self._servers]

    def resize(self, count: int) -> None:
        """Start containers, or let the last ones go when they have answered."""
        while len(self._servers) < count:
            server = self._start()
            with self._changed:
                self._servers.append(server)
        with self._changed:
            leaving, self._servers = self._servers[count:], self._servers[:count]
        for server in leaving:
            threading.Thread(target=self._let_go, args=(server,), daemon=True).start()

    def retire(self) -> None:
        """Take no more requests, and end when all are answered."""
        with self._changed:
            self._retired = True
        self.resize(0)

    def _let_go(self, server: ModelServer) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._answering[server])
        release(server)

    @contextmanager
    def answering(self) -> Iterator[ModelServer]:
        """Give a container that answers a request within the block; raises `RetiredError`."""
        with self._changed:
            if self._retired:
                raise RetiredError
            ready = [server for server in self._servers if server.url]
            server = random.choice(ready or self._servers)
            self._answering[server] += 1
            self.asked += 1
        try:
            yield server
        finally:
            with self._changed:
                self._answering[server] -= 1
                self._changed.notify_all()
