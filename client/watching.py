"""An execution as it goes on: states, epochs, how long the rest will take, what it costs so far."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.failure import Failure
from client.following import Epoch, ExecutionFailedError, Job, Length, State, follow
from client.prices import HOUR, Prices, dollars
from client.stack import Stack

EVERY_NTH = 5  # share of the epochs that are told where nobody sees a bar: one in so many


def watch(stack: Stack, arn: str, console: Console) -> dict[str, Any]:
    """Show an execution until it ends; give its output. Raises `Failure` with its cause."""
    seen = _Seen(Prices.of(stack.connection))
    with _progress(console) as progress:
        task = progress.add_task("starting", total=None, figures="")
        try:
            for event in follow(arn, stack.client("stepfunctions"), stack.client("logs")):
                match event:
                    case State():
                        indent = "  " * (event.depth + 1)
                        console.print(f"{indent}[dim]{event.name}[/]", highlight=False)
                        progress.update(task, description=event.name)
                    case Job():
                        seen.job(event)
                    case Length():
                        seen.epochs = event.epochs
                        progress.update(task, total=event.epochs)
                    case Epoch():
                        progress.update(
                            task,
                            description="Training",
                            completed=event.number,
                            figures=seen.epoch(event),
                        )
                        if not console.is_terminal and seen.worth_a_line(event):
                            console.print(f"  epoch {event.number}{seen.of} {_loss(event)}")
                    case _:
                        return event
        except ExecutionFailedError as error:
            raise Failure(str(error)) from error
    raise Failure("The execution's history ended before the execution did.")


class _Seen:
    """What is known so far of a run's length, pace and price."""

    def __init__(self, prices: Prices) -> None:
        self.epochs: int | None = None
        self._prices = prices
        self._first: tuple[int, float] | None = None  # an epoch, and when it was seen
        self._begun = 0.0  # when the job was
        self._price: float | None = None  # of its instance, dollars an hour

    @property
    def of(self) -> str:
        """What stands behind an epoch's number."""
        return f"/{self.epochs}" if self.epochs else ""

    def job(self, job: Job) -> None:
        """Take note of a job that begins."""
        self._begun, self._price = time.monotonic(), self._prices.an_hour(job.instance_type)

    def epoch(self, epoch: Epoch) -> str:
        """Take note of an epoch; give what the bar says of it."""
        now = time.monotonic()
        self._first = self._first or (epoch.number, now)
        parts = ["epoch", _loss(epoch), self._left(epoch.number, now), self._cost(now)]
        return "  ".join(filter(None, parts))

    def worth_a_line(self, epoch: Epoch) -> bool:
        """Whether it is told where nobody sees a bar."""
        return epoch.number % max((self.epochs or 0) // EVERY_NTH, 1) == 0

    def _left(self, number: int, now: float) -> str:
        """How much longer the epochs will take, from those that were seen."""
        first, then = self._first or (number, now)
        if not self.epochs or number - first < 1:
            return ""
        seconds = (now - then) / (number - first) * (self.epochs - number)
        return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"

    def _cost(self, now: float) -> str:
        """Give what the job has cost at most: it is billed from its start, and asked for before."""
        if self._price is None:
            return ""
        return f"{dollars(self._price * (now - self._begun) / HOUR)} so far"


def _loss(epoch: Epoch) -> str:
    return f"val_loss {epoch.figures.get('val_loss', float('nan')):.3f}"


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
