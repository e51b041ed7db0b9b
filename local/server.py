"""Starts the stand-in: moto's server with this package's patches."""

import logging
import os
import socket

from local import processes


class PortInUseError(Exception):
    """Another program listens on the port."""


def start(port: int) -> str:
    """Serve on `port` from a background thread; return the address. Raises `PortInUseError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUseError(
                f"Port {port} is in use: choose another with --port, or end the program there."
            ) from error
    # moto reads these when it is imported, so nothing imports it before
    os.environ["MOTO_PORT"] = str(port)
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    from moto.server import ThreadedMotoServer

    from local import iam, mishaps
    from local.cloudformation import stacks as cloudformation
    from local.events import rules as events
    from local.sagemaker import runtime as sagemaker_runtime
    from local.sagemaker import service as sagemaker
    from local.states import stepfunctions

    # events last: it wraps what the others install
    for service in (
        iam,
        cloudformation,
        stepfunctions,
        sagemaker,
        sagemaker_runtime,
        mishaps,
        events,
    ):
        service.install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    ThreadedMotoServer("127.0.0.1", port, verbose=False).start()
    return f"http://localhost:{port}"


def stop() -> None:
    """End every job and endpoint; the server's own thread ends with the program."""
    processes.stop_all()
