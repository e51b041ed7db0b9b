"""Lets requests to S3 and SageMaker go wrong on their way, as they now and then do on AWS.

`slow-down`: the service answers that it is asked too often, S3 with 503 SlowDown, SageMaker with
ThrottlingException. `reset`: the connection is reset before the service knows of the request.
`lost`: it is reset when the service has done what it was asked. `partial`: an answer breaks off.
"""

import json
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local import faults

SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(s3|sagemaker)/aws4_request")
RESET_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds
SLOW_DOWN = {
    "s3": (
        "503 Slow Down",
        "application/xml",
        b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    ),
    "sagemaker": (
        "400 Bad Request",
        "application/json",
        json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode(),
    ),
}


def _reset(environ: dict[str, Any]) -> None:
    """End the connection without another byte."""
    connection = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def _half(answer: Iterable[bytes], environ: dict[str, Any]) -> Iterator[bytes]:
    body = b"".join(answer)
    yield body[: len(body) // 2]
    _reset(environ)


_of_moto = DomainDispatcherApplication.__call__


def _with_mishaps(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
    signed = SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    kind = faults.current.mishap(signed[1]) if signed else None
    if signed is None or kind is None:
        return _of_moto(self, environ, start_response)
    if kind in ("slow-down", "reset"):  # or what is left of it is taken for another request
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if kind == "slow-down":
        status, content_type, body = SLOW_DOWN[signed[1]]
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        start_response(status, [*headers, ("x-amzn-errortype", "ThrottlingException")])
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else []
    if kind == "reset":
        _reset(environ)
    if kind == "partial" and environ["REQUEST_METHOD"] == "GET":
        return _half(_of_moto(self, environ, start_response), environ)
    b"".join(_of_moto(self, environ, lambda *_: None))
    _reset(environ)
    return []


def install() -> None:
    """Stand between moto and its callers."""
    DomainDispatcherApplication.__call__ = _with_mishaps
