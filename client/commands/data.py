"""Commands about sounds that one has: upload, fetch."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from client import fetching, sounds
from client.session import Session

SHOWN_LABELS = 50

commands = typer.Typer()


class DataSet(StrEnum):
    """Those that can be fetched."""

    fsdd = "fsdd"


SOURCES = {DataSet.fsdd: fetching.FSDD}


@commands.command()
def upload(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="With .wav, .flac, .ogg, .mp3 or .aiff files.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is used.")] = False,
) -> None:
    """Read a folder of sounds, say what will be used, and send it to the bucket.

    A label is the name of a sub-folder (kick/01.wav) or of a file up to its first "_"
    (kick_01.wav). What the bucket has already is not sent again.

    Example: soundvae upload ~/drums
    """
    session: Session = context.obj
    console = session.console
    with console.status(f"Reading {folder}"):
        read = sounds.Folder.read(folder)
    _tell_folder(console, read)
    result: dict[str, Any] = {
        "used": len(read.names),
        "clips": read.clips,
        "skipped": read.files_skipped,
        "labels": read.labels,
        "warnings": read.warnings,
    }
    if not dry_run:
        stack = session.stack()
        sent = {True: 0, False: 0}
        others = sounds.listed(stack)
        with session.progress() as progress:
            task = progress.add_task("uploading", total=len(read.names))
            for outcome in sounds.upload(stack, folder, read.names, others):
                sent[outcome.new] += 1
                progress.advance(task)
        console.print(
            f"{sent[True]} sounds were sent to s3://{stack.bucket}/{sounds.PREFIX}, "
            f"{sent[False]} were there already.",
            soft_wrap=True,
        )
        if len(others):
            console.print(
                f"[yellow]{len(others)} other files lie there as well and will be trained on, "
                f"such as {escape(others.first())}.[/]",
                soft_wrap=True,
            )
        result |= {"sent": sent[True], "there": sent[False], "others": len(others)}
    session.tell(result, "Next: soundvae train --watch")


@commands.command()
def fetch(
    context: typer.Context,
    what: Annotated[DataSet, typer.Argument(help="Which data set.")],
    folder: Annotated[Path, typer.Option("-o", "--output")] = Path("digits"),
) -> None:
    """Download a free data set: fsdd, 3,000 spoken digits (CC BY-SA 4.0).

    Example: soundvae fetch fsdd -o digits
    """
    session: Session = context.obj
    with session.progress() as progress:
        task = progress.add_task("downloading", total=None)
        for there, total in fetching.fetch(folder, SOURCES[what]):
            progress.update(task, completed=there, total=total)
    files = sum(1 for _ in folder.rglob("*.wav"))
    session.tell(
        {"folder": str(folder), "files": files},
        f"{files} recordings are in {escape(str(folder))}. "
        f"Next: soundvae upload {escape(str(folder))}",
    )


def _tell_folder(console: Console, read: sounds.Folder) -> None:
    clips = f" as {read.clips} clips" if read.clips != len(read.names) else ""
    shown = list(read.labels.items())[:SHOWN_LABELS]
    labels = ", ".join(f"{escape(label)} ({clips})" for label, clips in shown) or "none"
    if len(read.labels) > len(shown):
        labels += f" and {len(read.labels) - len(shown)} more"
    console.print(
        f"{len(read.names)} sounds will be used{clips}, at {read.sample_rate} Hz and "
        f"{read.clip_seconds:.2f} s a sound; labels: {labels}",
        soft_wrap=True,
    )
    for why in read.skipped:
        names = ", ".join(map(escape, why.names))
        more = f" and {why.files - len(why.names)} more" if why.files > len(why.names) else ""
        console.print(f"  skipped: {names}{more}: {escape(why.reason)}", soft_wrap=True)
    for warning in read.warnings:
        console.print(f"  [yellow]{escape(warning)}[/]", soft_wrap=True)
