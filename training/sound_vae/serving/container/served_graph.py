"""Calls TensorFlow Serving, which holds the graph, in the same container."""

import math
import re
import time
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from sound_vae.serving.container.json_error import bad_request, not_ready, shown

SECONDS_TO_WAIT = 55  # an invocation ends after 60
START_SECONDS, PAUSE_SECONDS = 45, 0.1
"""How long a model server may take to start again, and between two looks whether it has."""


def call_model(uri: str, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the signature's outputs, `{"wav_bytes": [{"b64": ...}, ...], "z": [[...], ...], ...}`.

    A check in the graph that fails is HTTP 400 of TensorFlow Serving, and the caller's to mend.
    Whatever else is not an answer is the server's fault: HTTP 503. A server that has ended costs
    the requests that it had this, and no other one, as the container starts it again.
    """
    body: Any = {"signature_name": signature, "inputs": inputs}
    try:
        response = _post(uri, body)
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise not_ready(f"the model did not answer: {shown(error)}") from error
    if not isinstance(answer, dict):
        answer = {}
    if response.status_code == 400:
        raise bad_request(f"the model cannot make this: {shown(reason(answer.get('error')))}")
    if response.status_code != 200:
        raise not_ready(
            f"the model server answered {response.status_code}, {shown(answer.get('error'))}: "
            "try again; its log is in CloudWatch"
        )
    outputs = answer.get("outputs")
    if not isinstance(outputs, dict) or not outputs.keys() >= {"wav_bytes", "z"}:
        raise not_ready(
            "the model server answered without a sound: it serves another kind of model"
        )
    if not all(math.isfinite(value) for row in outputs["z"] for value in row):
        if signature == "variations":  # a graph may divide by the peak of what resampling left, 0
            raise bad_request("audio has no sound below half of the model's sample rate")
        raise not_ready("the model answered with numbers that are not finite: promote another one")
    return outputs


def _post(uri: str, body: Any) -> requests.Response:
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        try:
            return requests.post(uri, json=body, timeout=SECONDS_TO_WAIT - waited)
        except requests.ConnectionError as error:
            cause = error.args[0] if error.args else None
            nobody_listens = isinstance(getattr(cause, "reason", None), NewConnectionError)
            if not nobody_listens or waited > START_SECONDS:
                raise
            time.sleep(PAUSE_SECONDS)  # which lets others be answered, under gevent


def reason(error: Any) -> Any:
    """Give the words of the check that failed, without the names of the graph's nodes."""
    failed = re.search(r"assertion failed: \[(.*?)\]", str(error))
    return failed[1] if failed else error
