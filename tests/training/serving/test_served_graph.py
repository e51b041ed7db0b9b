"""TensorFlow Serving is not always there: what is waited for, and what is a sentence."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import falcon
import pytest

from sound_vae.serving.container import served_graph
from sound_vae.serving.container.served_graph import call_model

OUTPUTS = {"wav_bytes": [{"b64": ""}], "z": [[0.5]]}


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.dumps({"outputs": OUTPUTS}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Dies(Answers):
    def do_POST(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def serve(port: int) -> Iterator[Callable[[type[Answers]], None]]:
    servers = []

    def start(handler: type[Answers]) -> None:
        server = HTTPServer(("127.0.0.1", port), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_that_is_starting_again_is_waited_for(
    port: int, serve: Callable[[type[Answers]], None]
) -> None:
    starting = threading.Timer(0.5, serve, [Answers])
    starting.start()
    assert call_model(f"http://127.0.0.1:{port}/", "sounds", {}) == OUTPUTS
    starting.join()


def test_a_server_that_ends_with_the_request_is_said_at_once(
    port: int, serve: Callable[[type[Answers]], None]
) -> None:
    serve(Dies)
    began = time.monotonic()
    with pytest.raises(falcon.HTTPServiceUnavailable) as raised:
        call_model(f"http://127.0.0.1:{port}/", "sounds", {})
    assert str(raised.value).startswith("the model did not answer: ")
    assert time.monotonic() - began < 5


def test_the_wait_for_a_server_that_never_starts_has_an_end(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_graph, "START_SECONDS", 0.3)
    with pytest.raises(falcon.HTTPServiceUnavailable, match="the model did not answer"):
        call_model(f"http://127.0.0.1:{port}/", "sounds", {})
