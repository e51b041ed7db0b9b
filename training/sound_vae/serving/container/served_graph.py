"""Calls TensorFlow Serving, which holds the graph, in the same container."""

import math
import re
from typing import Any

import requests

from sound_vae.serving.container.json_error import bad_request, not_ready, shown

SECONDS_TO_WAIT = 55  # an invocation ends after 60


def call_model(uri: str, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the signature's outputs, `{"wav_bytes": [{"b64": ...}, ...], "z": [[...], ...], ...}`.

    A check in the graph that fails is HTTP 400 of TensorFlow Serving, and the caller's to mend.
    Whatever else is not an answer is the server's fault: HTTP 503.
    """
    body: Any = {"signature_name": signature, "inputs": inputs}
    try:
        response = requests.post(uri, json=body, timeout=SECONDS_TO_WAIT)
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


def reason(error: Any) -> Any:
    """Give the words of the check that failed, without the names of the graph's nodes."""
    failed = re.search(r"assertion failed: \[(.*?)\]", str(error))
    return failed[1] if failed else error
