"""The command that makes sounds in bulk: generate."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from client import generation, runs
from client.commands.listening import Temperature
from client.failure import Failure
from client.prices import Prices, dollars
from client.session import Session
from client.stack import Stack
from client.watching_generation import watch

commands = typer.Typer()


@commands.command()
def generate(
    context: typer.Context,
    labels: Annotated[
        list[str] | None, typer.Argument(metavar="LABEL=COUNT", help="How many sounds of each.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="So many sounds of any label.")] = None,
    requests: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="JSON lines, each a request to the endpoint; or what is below requests/ already.",
        ),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was cut short.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of each label's first sound; drawn if none.")
    ] = None,
    temperature: Temperature = None,
    instances: Annotated[
        int, typer.Option(min=1, max=16, help="Machines that share the work.")
    ] = 1,
    instance_type: Annotated[
        str | None, typer.Option("--instance-type", help="ml.c5.xlarge if none.")
    ] = None,
    fetch: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Unpack the sounds here.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Make nothing: fetch what this run has made.")
    ] = None,
) -> None:
    """Make many sounds with the served model, on machines of their own.

    The sounds stay in the bucket, below generated/RUN/, until they are fetched; a request that the
    model cannot answer has its sentence in index.jsonl and costs no other one its sounds.

    Example: soundvae generate seven=1000 three=500 --fetch digits

    From a file: soundvae generate --requests wishes.jsonl --instances 4
    """
    session: Session = context.obj
    stack = session.stack()
    if run is None:
        way = generation.wish(labels or [], count, requests, resume, seed, temperature)
        if "requests" in way and not str(requests).startswith(generation.REQUESTS):
            way["requests"] = generation.upload_requests(stack, Path(str(requests)))
            session.console.print(f"The requests are at s3://{stack.bucket}/{way['requests']}")
        output = _execute(session, stack, way, instances, instance_type)
        run = str(output["run"])
    elif fetch is None:
        raise Failure("Say where the sounds of the run shall go: --fetch FOLDER.")
    else:
        output = {"run": run}
    words = _words(session, output)
    if fetch is not None:
        output |= _fetch(session, stack, run, fetch)
        words = f"{output['fetched']} sounds are in {escape(str(fetch))}, with index.jsonl."
    session.tell(output, words)


def _execute(
    session: Session, stack: Stack, way: dict[str, Any], instances: int, kind: str | None
) -> dict[str, Any]:
    request: dict[str, Any] = {"generate": way}
    if instances > 1:
        request["instance_count"] = instances
    if kind:
        request["instance_types"] = [kind]
    arn = runs.start(stack, request)
    session.console.print(f"Run {arn.rpartition(':')[2]} has begun.", markup=False)
    total = way.get("count") or sum(way.get("labels", {}).values()) or None
    try:
        return watch(stack, arn, total, session.console)
    except KeyboardInterrupt:
        session.console.print("The run goes on without you: `soundvae runs` shows what came of it.")
        raise typer.Exit(130) from None


def _words(session: Session, output: dict[str, Any]) -> str:
    if "sounds" not in output:
        return ""
    for sentence in output.get("first_refused", []):
        session.console.print(f"[yellow]{escape(sentence)}[/]", soft_wrap=True)
    refused = output["lines_refused"]
    lost = f"; {refused} of {output['lines']} requests could not be answered" if refused else ""
    kind, seconds = str(output["instance_type"]), output["instance_seconds"]
    cost = Prices.of(session.connection).of_transform(kind, seconds)
    price = f" for {dollars(cost)}" if cost is not None else ""
    return (
        f"{output['sounds']} sounds were made{price}{lost}: {escape(output['where'])}\n"
        f"Next: soundvae generate --run {output['run']} --fetch FOLDER"
    )


def _fetch(session: Session, stack: Stack, run: str, folder: Path) -> dict[str, Any]:
    found = generation.archives(stack, run)
    done = []
    with session.progress() as progress:
        task = progress.add_task("fetching", total=len(found))
        for one in generation.fetch(stack, run, folder, found):
            done.append(one)
            progress.advance(task)
    return {
        "folder": str(folder),
        "fetched": sum(one.sounds for one in done),
        "refused": sum(one.refused for one in done),
    }
