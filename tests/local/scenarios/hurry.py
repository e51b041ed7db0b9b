"""Faster than on AWS, where nothing is lost by it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import clock
from local.sagemaker import host, job_folder

FOLDER = Path(__file__).parent


@contextlib.contextmanager
def in_a_hurry() -> Iterator[None]:
    """Wait a twentieth of the time, train without TensorFlow, hardly compress what was trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "speed", 20)
        patch.setattr(job_folder, "COMPRESSION", 1)
        hidden = {"PYTHONPATH": str(FOLDER / "no_tensorflow")}
        patch.setattr(host, "IMAGE_ENVIRONMENT", hidden)
        yield
