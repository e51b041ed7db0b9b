"""Commands that make sounds: say, morph, vary, pack."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from client import endpoint, pack, runs
from client.failure import Failure
from client.session import Session
from client.stack import Stack

MOST_DRAWN = 25  # spectrograms on one picture

commands = typer.Typer()


Count = Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="Sounds of each.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same sound.")]
Temperature = Annotated[
    float | None, typer.Option(min=0, max=2, help="More is more varied; the model's own if none.")
]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the WAV files.")]


@commands.command()
def say(
    context: typer.Context,
    labels: Annotated[list[str] | None, typer.Argument(help="Any label if none.")] = None,
    count: Count = 1,
    seed: Seed = None,
    temperature: Temperature = None,
    pitch: Annotated[
        float | None, typer.Option(min=0, help="In Hz, of a model that knows pitches.")
    ] = None,
    output: Output = Path("sounds"),
) -> None:
    """Make sounds: WAV files, and a picture of their spectrograms.

    Example: soundvae say seven three -n 8 --seed 1 -o digits
    """
    session: Session = context.obj
    chosen = _seed(seed)
    made = endpoint.sample(session.stack(), labels or [None], count, chosen, temperature, pitch)
    _write(session, output, made, "label")


@commands.command()
def morph(
    context: typer.Context,
    start: Annotated[str, typer.Argument(metavar="FROM")],
    end: Annotated[str, typer.Argument(metavar="TO")],
    steps: Annotated[int, typer.Option(min=2, max=100)] = 8,
    seed: Seed = None,
    pitch: Annotated[
        list[float] | None,
        typer.Option(min=0, help="In Hz; given twice, it glides from the first to the second."),
    ] = None,
    output: Output = Path("sounds"),
) -> None:
    """Make the way from one label to another, in steps.

    Example: soundvae morph three seven --steps 8 -o morph
    """
    session: Session = context.obj
    made = endpoint.morph(session.stack(), start, end, steps, _seed(seed), pitch)
    _write(session, output, made, "position")


@commands.command()
def vary(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A WAV, FLAC, OGG, MP3 or AIFF file.")],
    count: Count = 4,
    seed: Seed = None,
    temperature: Temperature = None,
    output: Output = Path("sounds"),
) -> None:
    """Make variations of a recording.

    Example: soundvae vary kick.wav -n 8 -o kicks
    """
    session: Session = context.obj
    made = endpoint.vary(session.stack(), file, count, _seed(seed), temperature)
    _write(session, output, made, "variation")


@commands.command("pack")
def make_pack(
    context: typer.Context,
    labels: Annotated[list[str] | None, typer.Argument(help="All if none.")] = None,
    count: Count = 16,
    seed: Seed = 0,
    temperature: Temperature = None,
    output: Output = Path("pack"),
) -> None:
    """Make a sample pack: WAV files of each label, an SFZ for samplers, all seeds.

    The same command finishes a pack that was cut short.

    Example: soundvae pack kick snare hat -n 32 -o my-kit
    """
    session: Session = context.obj
    stack = session.stack()
    model = runs.served_model(stack)
    names = labels or _labels(stack, model)
    started = time.monotonic()
    total = 0
    with session.progress() as progress:
        task = progress.add_task("making", total=count * len(names))
        for done in pack.make(
            stack,
            output,
            names,
            count=count,
            seed=seed or 0,
            temperature=temperature,
            model=model,
        ):
            total += done
            progress.advance(task, done)
    seconds = time.monotonic() - started
    session.tell(
        {"folder": str(output), "sounds": total, "seconds": round(seconds, 1)},
        f"{total} sounds are in {escape(str(output))} ({seconds:.1f} s), with pack.sfz.",
    )


def _labels(stack: Stack, model: str) -> list[str]:
    for run in runs.listed(stack):
        if run.output.get("model") == model and (data := run.output.get("data")):
            if data.get("labels"):
                return list(data["labels"])
            raise Failure("The served model was trained without labels: it makes no pack.")
    raise Failure("No run says which labels the served model has: name them after `pack`.")


def _write(session: Session, folder: Path, made: Iterable[endpoint.Sound], by: str) -> None:
    from client.spectrogram_sheet import draw

    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    result = []
    for number, sound in enumerate(made):
        if by == "label":
            title = f"{sound.said.get('label') or 'sound'}-{sound.said.get('seed', number)}"
        elif by == "position":
            title = f"{number:02}-{sound.said['from']}-{sound.said['to']}"
        else:
            title = f"variation-{sound.said.get('seed', number)}"
        file = folder / f"{pack.folder_names([title])[title]}.wav"
        file.write_bytes(sound.wav)
        written[title] = file
        said = {name: value for name, value in sound.said.items() if name != "z"}
        result.append({"file": str(file), **said})
        if not session.as_json:
            session.console.print(escape(str(file)), soft_wrap=True)
    picture = folder / "spectrograms.png"
    draw(dict(list(written.items())[:MOST_DRAWN]), picture, "Sounds from the endpoint")
    session.tell({"sounds": result, "picture": str(picture)}, escape(str(picture)))


def _seed(seed: int | None) -> int:
    return time.time_ns() % 1_000_000 if seed is None else seed
