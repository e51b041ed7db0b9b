"""Errors that reach the caller as a sentence."""

import json
from typing import Any

import falcon


class JsonBody:
    """Makes a falcon.HTTPError say its description to every caller, in JSON.

    By itself falcon writes an error's body only if the caller accepts JSON or XML. An HTTPStatus
    has a body of its own, and falcon takes one that is raised while it handles an error: here,
    when it reads the error's headers.
    """

    status: str
    title: str
    description: str

    @property
    def headers(self) -> dict[str, str]:
        """Raise the answer."""
        body = json.dumps({"title": self.title, "description": self.description})
        raise falcon.HTTPStatus(self.status, {"Content-Type": "application/json"}, body)

    @headers.setter
    def headers(self, value: Any) -> None:
        """Forget what falcon's constructor sets."""

    def __str__(self) -> str:
        return self.description


class BadRequest(JsonBody, falcon.HTTPBadRequest):
    """HTTP 400: the caller can mend it."""


class NotReady(JsonBody, falcon.HTTPServiceUnavailable):
    """HTTP 503: the caller cannot."""


def bad_request(sentence: str) -> BadRequest:
    """HTTP 400; keyword arguments, for their order changed between falcon's versions."""
    return BadRequest(title="Bad request", description=sentence)


def not_ready(sentence: str) -> NotReady:
    """HTTP 503."""
    return NotReady(title="Model not ready", description=sentence)


def shown(value: Any) -> str:
    """Show a value in a sentence: short, and plain ASCII whatever was sent."""
    text = value if isinstance(value, str) else str(type(value).__name__)
    if isinstance(value, bool) or value is None:
        text = json.dumps(value)
    elif isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 200):
        text = repr(value)
    elif isinstance(value, Exception):
        text = str(value)
    elif isinstance(value, str):
        text = f'"{value}"'
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 200 else text[:197] + "..."


def listed(values: list[str], length: int = 500) -> str:
    """List quoted values in a sentence, as many as fit into `length` characters."""
    text = ""
    for value in values:
        longer = f"{text}, {shown(value)}" if text else shown(value)
        if len(longer) > length:
            return f"{text}, ..."
        text = longer
    return text
