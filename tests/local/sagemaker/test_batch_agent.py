"""The agent beside a transform job's container takes objects apart as the job says."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.sagemaker.batch_agent import Agent

LINES = b"one\ntwo\n" + b"x" * 2**20 + b"\nthree\n"


def agent(split: str, strategy: str | None) -> Agent:
    job: Any = SimpleNamespace(
        transform_input={"SplitType": split},
        transform_output={},
        batch_strategy=strategy,
        max_payload_in_mb=1,
        max_concurrent_transforms=None,
        model_client_config=None,
    )
    return Agent(job, "http://localhost:1", print)


@pytest.mark.parametrize(
    ("split", "strategy", "sizes"),
    [
        ("None", "SingleRecord", [len(LINES)]),
        ("Line", "SingleRecord", [3, 3, 2**20, 5]),
        ("Line", "MultiRecord", [8, 2**20 + 1, 6]),
        ("Line", None, [8, 2**20 + 1, 6]),
    ],
)
def test_an_object_is_one_request_or_several(
    split: str, strategy: str | None, sizes: list[int]
) -> None:
    payloads = agent(split, strategy)._payloads(LINES)
    assert [len(payload) for payload in payloads] == sizes
