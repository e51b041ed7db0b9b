"""Commands about runs: train, list, report, promote, roll back."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from client import runs
from client.failure import Failure
from client.prices import Prices, dollars
from client.session import Session
from client.stack import Stack
from client.watching import watch as show

commands = typer.Typer()


@commands.command()
def train(
    context: typer.Context,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A hyperparameter, such as epochs=80; repeatable."
        ),
    ] = None,
    quality: Annotated[
        str | None, typer.Option(help="draft, standard or best; standard if none.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show how it goes.")] = False,
    spot: Annotated[bool, typer.Option("--spot", help="Try spare capacity first.")] = False,
    promote: Annotated[
        str | None, typer.Option(help="if_better, always or never; the stack's setting if none.")
    ] = None,
    machines: Annotated[
        int | None, typer.Option(help="So many train together, 1 to 16; one if none.")
    ] = None,
    prepare: Annotated[
        str | None,
        typer.Option(
            help="auto, always or never: sounds once, for training to stream; auto if none."
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--start-from",
            metavar="MODEL",
            help='Begin with a model\'s weights: "served", a run by its name, "latest", or a URL.',
        ),
    ] = None,
) -> None:
    """Train on what was uploaded; the endpoint serves the result if it is better.

    Example: soundvae train --set epochs=80 --watch

    In a hurry: soundvae train --quality draft --watch

    A few more recordings: soundvae train --start-from served --set epochs=10
    """
    session: Session = context.obj
    request: dict[str, Any] = {}
    hyperparameters = dict(_setting(one) for one in settings or [])
    if quality:
        hyperparameters["quality"] = quality
    if hyperparameters:
        request["hyperparameters"] = hyperparameters
    if spot:
        request["spot"] = True
    if machines:
        request["instance_count"] = machines
    if promote:
        request["promote"] = promote
    if prepare:
        request["prepare"] = prepare
    if start_from:
        request["start_from"] = _model_to_start_from(session.stack(), start_from)
    _execute(session, request, watch)


@commands.command("runs")
def list_runs(
    context: typer.Context,
    most: Annotated[int, typer.Option("-n", "--most", min=1, max=100)] = runs.SHOWN,
) -> None:
    """List the newest runs: when, how long, on what, for how much, how good, which is served.

    Of those that failed, why.

    Example: soundvae runs
    """
    session: Session = context.obj
    stack = session.stack()
    found, served = runs.listed(stack, most), runs.served_model(stack)
    prices = Prices.of(session.connection)
    costs = {run.arn: prices.of_run(run.output) for run in found}
    priced = any(costs.values())
    shown = ("cost",) if priced else ()
    table = Table("run", "started", "took", "on", *shown, "heard right", "like real", "", box=None)
    table.columns[1].no_wrap = True  # where it is narrow, names are shortened
    for run in found:
        figures = run.output.get("metrics", {})
        state = run.status.lower()
        if run.output:
            state = "[green]served[/]" if run.output.get("model") == served else "done"
        table.add_row(
            run.name[:24],
            f"{run.started:%Y-%m-%d %H:%M}",
            f"{run.seconds / 60:.1f} min",
            str(run.output.get("instance_type", "")),
            *((dollars(costs[run.arn] or 0) if costs[run.arn] else "",) if priced else ()),
            _figure(figures, "accuracy", "{:.1%}"),
            _figure(figures, "frechet_ratio", "x {:.2f}"),
            state,
        )
    session.tell(
        [
            run.to_json() | {"served": run.output.get("model") == served, "dollars": costs[run.arn]}
            for run in found
        ]
    )
    if not session.as_json:
        session.console.print(table if found else "No run yet: soundvae train")
        for run in found:
            if run.cause:
                why = f"{run.name} {run.status.lower()}: {run.cause}"
                session.console.print(why, markup=False, soft_wrap=True)
        if prices.refused:
            why = f"AWS does not tell what runs cost: {prices.refused}"
            session.console.print(why, markup=False, soft_wrap=True)


RunName = Annotated[str, typer.Argument(help="Name, or its beginning; the newest if none.")]


@commands.command()
def report(
    context: typer.Context,
    run: RunName = "latest",
    folder: Annotated[Path, typer.Option("-o", help="Where it goes.")] = Path("report"),
) -> None:
    """Fetch a run's report: a page with figures, curve and sounds.

    Example: soundvae report -o drums-report
    """
    session: Session = context.obj
    stack = session.stack()
    files = runs.fetch_report(stack, runs.named(stack, run), folder)
    session.tell([str(file) for file in files], f"Open {escape(str(folder / 'report.html'))}")


@commands.command()
def promote(context: typer.Context, run: RunName = "latest") -> None:
    """Let the endpoint serve a run's model, better or not.

    Example: soundvae promote 5c1e
    """
    session: Session = context.obj
    stack = session.stack()
    _execute(session, {"model": runs.model_of(runs.named(stack, run))}, watch=True)


@commands.command()
def rollback(context: typer.Context) -> None:
    """Let the endpoint serve again what it served before the last promotion.

    Example: soundvae rollback
    """
    session: Session = context.obj
    _execute(session, {"model": runs.previous_model(session.stack())}, watch=True)


def _model_to_start_from(stack: Stack, named: str) -> str:
    """Say it as an execution's input does; a run's name becomes the URL of its model."""
    if named == "served" or named.startswith("s3://"):
        return named
    return runs.model_of(runs.named(stack, named))


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failure(f"{text!r} is no setting: write name=value, as in epochs=80.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _execute(session: Session, request: dict[str, Any], watch: bool) -> None:
    stack, console = session.stack(), session.console
    arn = runs.start(stack, request)
    name = arn.rpartition(":")[2]
    console.print(f"Run {name} has begun, with {json.dumps(request)}", markup=False)
    if not watch:
        session.tell({"run": name}, "It goes on by itself: soundvae runs")
        return
    try:
        output = show(stack, arn, console)
    except KeyboardInterrupt:
        console.print("The run goes on without you: `soundvae runs` shows what came of it.")
        raise typer.Exit(130) from None
    cost = Prices.of(session.connection).of_run(output)
    if cost is not None:
        console.print(f"The training job cost {dollars(cost)}.")
    served = "Served now" if output.get("promoted") else "Trained, but not served"
    for warning in [*output.get("warnings", []), *output.get("data", {}).get("warnings", [])]:
        console.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)
    session.tell(
        output,
        f"{served}: {escape(str(output.get('why')).rstrip('.'))}. "
        "Next: soundvae say, soundvae report",
    )


def _figure(figures: dict[str, float], name: str, form: str) -> str:
    return form.format(figures[name]) if name in figures else ""
