"""Each promise with a few attempts; `make trust` makes them all."""

import pytest

from trust.promise import Promise
from trust.topics import TOPICS

OF_A_WHOLE_STACK = {"load", "limits", "faults", "executions", "kills"}
"""One attempt of these takes minutes (a deployment, trainings); they are tried by `make trust`."""

FEW = {
    promise.sentence: promise
    for topic, promises in TOPICS.items()
    if topic not in OF_A_WHOLE_STACK
    for promise in promises
}


@pytest.mark.parametrize("promise", FEW.values(), ids=FEW.keys())
def test_few_attempts_do_not_break_it(promise: Promise) -> None:
    assert promise.check(max(1, min(20, promise.attempts // 100)))
