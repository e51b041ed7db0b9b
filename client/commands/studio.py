"""The command that opens the page: studio."""

import contextlib
import os
from typing import Annotated

import typer

from client.session import Session

PORT = 8320

commands = typer.Typer()


@commands.command()
def studio(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="Another one is taken when it is busy.")
    ] = PORT,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Only say the address; open no browser.")
    ] = False,
) -> None:
    """Open a page to hear what the endpoint makes: sounds, morphs, a map; Ctrl-C ends it.

    Example: soundvae --local studio --no-open
    """
    from client.studio.serving import Server, bind, open_page  # half a second that others save

    session: Session = context.obj
    stack = session.stack()
    listener = bind(port)
    taken = listener.getsockname()[1]
    if taken != port:
        session.console.print(f"Port {port} is busy, so the studio takes {taken}.")

    def ready(url: str) -> None:
        session.tell({"url": url}, f"The studio is open at {url} – Ctrl-C ends it.")
        if not no_open:
            open_page(url)

    local = bool(os.environ.get("AWS_ENDPOINT_URL"))
    where = "this machine" if local else str(session.connection.session.region_name)
    with contextlib.suppress(KeyboardInterrupt):  # this is how it ends
        Server(stack, listener, where, ready=ready).serve_until_stopped()
