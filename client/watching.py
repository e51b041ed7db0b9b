"""An execution as it goes on: its states, its epochs, and how long the rest will take."""

import json
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.failure import Failure
from client.following import Epoch, ExecutionFailedError, State, follow
from client.stack import Stack

EVERY_NTH = 5  # share of the epochs that are told where nobody sees a bar: one in so many


def watch(stack: Stack, arn: str, console: Console) -> dict[str, Any]:
    """Show an execution until it ends; give its output. Raises `Failure` with its cause."""
    stepfunctions, logs = stack.client("stepfunctions"), stack.client("logs")
    asked = json.loads(stepfunctions.describe_execution(executionArn=arn)["input"])
    epochs = asked.get("hyperparameters", {}).get("epochs")
    started = time.monotonic()
    first: tuple[int, float] | None = None
    with _progress(console) as progress:
        task = progress.add_task("starting", total=epochs, figures="")
        try:
            for event in follow(arn, stepfunctions, logs):
                if isinstance(event, State):
                    indent = "  " * (event.depth + 1)
                    console.print(f"{indent}[dim]{event.name}[/]", highlight=False)
                    progress.update(task, description=event.name)
                elif isinstance(event, Epoch):
                    now = time.monotonic() - started
                    first = first or (event.number, now)
                    loss = event.figures.get("val_loss", float("nan"))
                    left = _left(first, (event.number, now), epochs)
                    figures = f"epoch  val_loss {loss:.3f}  {left}"
                    progress.update(
                        task, description="Training", completed=event.number, figures=figures
                    )
                    step = max((epochs or 0) // EVERY_NTH, 1)
                    if not console.is_terminal and event.number % step == 0:
                        of = f"/{epochs}" if epochs else ""
                        console.print(f"  epoch {event.number}{of} val_loss {loss:.3f}")
                else:
                    return event
        except ExecutionFailedError as error:
            raise Failure(str(error)) from error
    raise Failure("The execution's history ended before the execution did.")


def _left(first: tuple[int, float], now: tuple[int, float], epochs: int | None) -> str:
    """How much longer the epochs will take, from those that were seen."""
    seen = now[0] - first[0]
    if not epochs or seen < 1:
        return ""
    seconds = (now[1] - first[1]) / seen * (epochs - now[0])
    return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"


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
