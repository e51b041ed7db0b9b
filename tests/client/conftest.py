"""The stand-in as `soundvae up` starts it, in a process of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import stand_in
from client.stack import Connection


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the running stand-in is noted down."""
    folder = tmp_path_factory.mktemp("stand-in")
    stand_in.up(folder=folder)
    yield folder
    stand_in.down(folder)


@pytest.fixture(scope="package")
def connection(home: Path) -> Iterator[Connection]:
    before = dict(os.environ)
    stand_in.use(home)
    yield Connection()
    os.environ.clear()
    os.environ.update(before)
