"""The stand-in as the demo starts it, in a process of its own, on a free port."""

import io
import os
import socket
from collections.abc import Iterator

import pytest
from rich.console import Console

from demo.steps import Demo


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="package")
def started() -> Iterator[Demo]:
    before = dict(os.environ)
    demo = Demo(Console(file=io.StringIO()), free_port())
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()
        os.environ.clear()
        os.environ.update(before)
