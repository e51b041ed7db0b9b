"""Commands about the stage: the stand-in, deployments."""

from typing import Annotated

import typer
from rich.markup import escape

from client import cdk, doctor, stand_in
from client.session import Session

commands = typer.Typer()


@commands.command()
def up(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="The first free one if none.")] = None,
) -> None:
    """Start the stand-in for AWS in the background.

    Example: soundvae up && soundvae --local deploy
    """
    session: Session = context.obj
    with session.console.status("Starting the stand-in for AWS"):
        url, new = stand_in.up(port)
    session.tell(
        {"url": url, "started": new},
        f"The stand-in for AWS {'is ready' if new else 'runs already'} at {url}. "
        "Next: soundvae --local deploy",
    )


@commands.command()
def down(context: typer.Context) -> None:
    """End the stand-in with its jobs and endpoints; what it held is gone.

    Example: soundvae down
    """
    session: Session = context.obj
    ended = stand_in.down()
    words = "The stand-in has ended." if ended else "The stand-in was not running."
    session.tell({"ended": ended}, words)


Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of cdk.json; may be repeated."),
]


@commands.command()
def deploy(context: typer.Context, settings: Settings = None) -> None:
    """Provision everything: bucket, roles, state machine, endpoint with the starter model.

    Example: soundvae deploy --set alarm_email=you@example.com
    """
    session: Session = context.obj
    with session.console.status("cdk bootstrap"):
        cdk.bootstrap(session.connection)
    with session.console.status("cdk deploy"):
        cdk.deploy(session.connection, settings or [])
    stack = session.stack()
    words = "\n".join(f"{name}: {escape(value)}" for name, value in stack.outputs.items())
    session.tell(stack.outputs, words + "\nNext: soundvae say, soundvae upload FOLDER")


@commands.command()
def destroy(
    context: typer.Context,
    settings: Settings = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the stack and its endpoint; the bucket with your data stays.

    Example: soundvae destroy --yes
    """
    session: Session = context.obj
    stack = session.stack()
    if not yes and not typer.confirm(f"Remove the stack {stack.stack_name}?"):
        raise typer.Exit(1)
    with session.console.status("cdk destroy"):
        cdk.destroy(session.connection, settings or [])
    session.tell({"removed": stack.stack_name}, f"{stack.stack_name} is removed.")


@commands.command("doctor")
def examine(context: typer.Context) -> None:
    """Look at all that a run needs, and say what to do about what is missing.

    Example: soundvae doctor
    """
    session: Session = context.obj
    findings = []
    signs = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}
    for finding in doctor.examine(session.connection):
        findings.append(finding.to_json())
        if not session.as_json:
            said = escape(finding.said)
            session.console.print(f"{signs[finding.well]} {finding.what}: {said}", soft_wrap=True)
    session.tell(findings)
    if any(finding["well"] is False for finding in findings):
        raise typer.Exit(1)
