"""Starts the stand-in: moto's server with this package's patches."""

import logging
import os
import socket
import threading

from local import processes

HOST = "127.0.0.1"
FIRST_PORT, PORTS = 5000, 100


class PortInUseError(Exception):
    """Another program listens on the port."""


def start(port: int | None = None) -> str:
    """Serve from a background thread; return the address.

    On `port`, or on the first free one from 5000 on; 0 takes any. Raises `PortInUseError`.
    """
    # listened on from here on: the imports take seconds in which another might take the port
    listener = _listen(port)
    port = listener.getsockname()[1]
    # moto reads these when it is imported, so nothing imports it before
    os.environ["MOTO_PORT"] = str(port)
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from local import iam, mishaps, s3_listing
    from local.cloudformation import stacks as cloudformation
    from local.events import rules as events
    from local.sagemaker import runtime as sagemaker_runtime
    from local.sagemaker import scaling
    from local.sagemaker import service as sagemaker
    from local.states import stepfunctions

    # events last: it wraps what the others install
    for service in (
        iam,
        s3_listing,
        cloudformation,
        stepfunctions,
        sagemaker,
        sagemaker_runtime,
        scaling,
        mishaps,
        events,
    ):
        service.install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    moto = make_server(
        HOST,
        port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listener.detach(),
    )
    threading.Thread(target=moto.serve_forever, daemon=True).start()
    return f"http://localhost:{port}"


def stop() -> None:
    """End every job and endpoint; the server's own thread ends with the program."""
    processes.stop_all()


def _listen(port: int | None) -> socket.socket:
    wanted = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]
    for candidate in wanted:
        try:
            return socket.create_server((HOST, candidate))
        except OSError:
            continue
    if port is None:
        raise PortInUseError(f"No port from {wanted[0]} to {wanted[-1]} is free.")
    raise PortInUseError(
        f"Port {port} is in use: choose another with --port, or end the program there."
    )
