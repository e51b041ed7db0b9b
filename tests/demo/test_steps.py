"""The steps of the demo that need no deployment."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from demo.steps import REGION, Demo, DemoError


def test_starting_points_the_aws_tools_at_the_stand_in(started: Demo) -> None:
    assert os.environ["AWS_ENDPOINT_URL"] == f"http://localhost:{started.port}"
    assert os.environ["AWS_REGION"] == REGION
    assert started.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_port_in_use_is_the_stand_ins_own_sentence(started: Demo) -> None:
    second = Demo(Console(file=io.StringIO()), started.port)
    try:
        with pytest.raises(DemoError, match=f"^Port {started.port} is in use: choose another"):
            second.start()
    finally:
        second.stop()


def test_the_summary_says_whether_the_new_model_is_served_and_why_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("demo.steps.OUTPUT", tmp_path)
    told = io.StringIO()
    Demo(Console(file=told, width=200), port=0).summarise(
        {
            "promoted": False,
            "why": "its validation loss is 2, that of the served model 1",
            "model": "s3://b/output/r/output/model.tar.gz",
            "metrics": {"val_loss": 2.0},
            "data": {"warnings": ["4 files of [seven] were left out."]},
        }
    )
    assert "Warning: 4 files of [seven] were left out.\n" in told.getvalue()
    assert (
        "Trained, but not served: s3://b/output/r/output/model.tar.gz\n"
        "Why: its validation loss is 2, that of the served model 1\n"
    ) in told.getvalue()
