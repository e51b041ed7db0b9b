"""What is shown of a run while it goes on."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from client import watching
from client.failure import Failure
from client.following import Epoch, ExecutionFailedError, Job, Length, State
from client.prices import Prices
from client.stack import Connection, Stack

OUTPUT = {"promoted": True}


class Priced(Prices):
    """Every instance costs a dollar a second."""

    def __init__(self) -> None:
        super().__init__(None, "")

    def an_hour(self, instance_type: str, usage: str = "Train:") -> float | None:
        return 3600.0 if instance_type == "ml.g5.xlarge" else None


def shown(
    monkeypatch: pytest.MonkeyPatch, events: list[Any], *, terminal: bool, kind: str = ""
) -> str:
    """What a terminal or a log holds after these events; the clock goes on 2 s with each look."""
    seconds = iter(range(0, 1000, 2))

    def follow(*_: Any) -> Iterator[Any]:
        yield from [Job("job", kind), Length(10), *events, OUTPUT]

    monkeypatch.setattr(watching, "follow", follow)
    monkeypatch.setattr("client.watching.time.monotonic", lambda: next(seconds))
    monkeypatch.setattr(Prices, "of", lambda _: Priced())
    monkeypatch.setattr(Stack, "client", lambda *_: None)
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=terminal, width=120, highlight=False)
    progress = watching._progress(console)
    progress.disable = True  # its own clock would be looked at as well
    bars: list[str] = []
    monkeypatch.setattr(progress, "update", lambda _, **fields: bars.append(str(fields)))
    monkeypatch.setattr(watching, "_progress", lambda _: progress)
    stack = Stack(Connection(), "stack", {})
    assert watching.watch(stack, "arn", console) == OUTPUT
    return drawn.getvalue() + "\n".join(bars)


def epochs(count: int) -> list[Epoch]:
    return [Epoch(number, {"val_loss": -number / 10}) for number in range(1, count + 1)]


def test_a_terminal_shows_the_time_left_and_the_cost_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = shown(monkeypatch, epochs(3), terminal=True, kind="ml.g5.xlarge")
    assert "val_loss -0.300  14 s left  $6.00 so far" in said
    assert "'total': 10" in said


def test_what_costs_nothing_shows_no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "so far" not in shown(monkeypatch, epochs(3), terminal=True)


def test_a_log_gets_five_lines_of_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(monkeypatch, [State("Train", 0), *epochs(10)], terminal=False)
    assert "  Train\n  epoch 2/10 val_loss -0.200\n  epoch 4/10" in said
    assert "epoch 3/10" not in said


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: Any) -> Iterator[Any]:
        yield State("Check the input", 0)
        raise ExecutionFailedError("FAILED: SoundVae.WrongInput: no sounds")

    monkeypatch.setattr(watching, "follow", follow)
    monkeypatch.setattr(Prices, "of", lambda _: Priced())
    monkeypatch.setattr(Stack, "client", lambda *_: None)
    stack = Stack(Connection(), "stack", {})
    with pytest.raises(Failure, match="no sounds"):
        watching.watch(stack, "arn", Console(file=io.StringIO()))
