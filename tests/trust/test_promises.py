"""Each promise with a few attempts; `make trust` makes them all."""

import pytest

from trust.promise import Promise
from trust.topics import TOPICS

FEW = {promise.sentence: promise for promises in TOPICS.values() for promise in promises}


@pytest.mark.parametrize("promise", FEW.values(), ids=FEW.keys())
def test_few_attempts_do_not_break_it(promise: Promise) -> None:
    assert promise.check(max(1, min(20, promise.attempts // 100)))
