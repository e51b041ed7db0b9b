"""Serves the studio on this machine alone, at a port that is free."""

import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from client.failure import Failure
from client.stack import Stack
from client.studio.application import application

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """Take this port, or any other that is free when it is not; raises `Failure`."""
    for candidate in (port, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError:
            listener.close()
        else:
            return listener
    raise Failure("No port of this machine is free.")


class Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(
        self,
        stack: Stack,
        listener: socket.socket,
        where: str,
        *,
        cache: Path | None = None,
        ready: Callable[[str], None] = lambda url: None,
    ) -> None:
        port = listener.getsockname()[1]
        app = application(stack, port, where, cache)
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False))
        self.url, self._listener, self._ready = f"http://{HOST}:{port}/", listener, ready

    def serve_until_stopped(self) -> None:
        """Answer until Ctrl-C, or until `should_exit` is set from another thread."""
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so when it has begun."""
        await super().startup(sockets)
        self._ready(self.url)


def open_page(url: str) -> None:
    """Open the page in the browser, without waiting for one that runs in this terminal."""
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
