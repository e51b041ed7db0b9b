"""`soundvae`: train a sound generator on AWS, and hear it, from the command line."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from client import stand_in
from client.commands import bulk, data, listening, stage, studio, training
from client.failure import Failure, in_one_sentence
from client.session import Session
from client.stack import Connection

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Train a sound generator on AWS, and hear it.\n\n"
    "  soundvae up && soundvae --local deploy      [dim]AWS on this machine, no account[/]\n\n"
    "  soundvae --local say seven three -n 4       [dim]sounds of the starter model[/]\n\n"
    "  soundvae --local upload ~/drums && soundvae --local train --watch",
)
SWITCHES = ("--json", "--local")
for part in (stage, data, training, listening, bulk, studio):
    app.registered_commands += part.commands.registered_commands


@app.callback()
def chosen(
    context: typer.Context,
    name: Annotated[
        str, typer.Option(envvar="SOUNDVAE_NAME", help="Which stage of the stack.")
    ] = "sound-vae",
    local: Annotated[
        bool,
        typer.Option("--local", envvar="SOUNDVAE_LOCAL", help="The stand-in that `up` started."),
    ] = False,
    profile: Annotated[
        str | None, typer.Option(envvar="AWS_PROFILE", help="AWS credentials of this name.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region; the profile's own if none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON, for programs.")] = False,
) -> None:
    """Choose whom the commands talk to."""
    context.obj = Session(as_json=as_json)
    if context.invoked_subcommand in ("up", "down"):
        return
    if local:
        stand_in.use()
        profile = None
    context.obj = Session(Connection(name, profile, region), as_json)


def switches_first(words: list[str]) -> list[str]:
    """Let --json and --local stand after the command as well, where people type them."""
    return sorted(words, key=lambda word: word not in SWITCHES)


def main() -> None:
    """Run a command; what goes wrong is one sentence, and the exit code 1."""
    try:
        with in_one_sentence():
            app(switches_first(sys.argv[1:]))
    except Failure as failure:
        if "--json" in sys.argv:
            print(json.dumps({"error": str(failure)}))
        else:
            Console(stderr=True, highlight=False).print(
                f"error: {failure}", markup=False, soft_wrap=True
            )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
