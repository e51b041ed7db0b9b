"""Checks a request to the endpoint and shapes the answer; runs in front of TensorFlow Serving.

    {"label": "seven", "count": 1, "temperature": 0.8, "seed": 42}    new sounds of a label
    {"from": "three", "to": "seven", "steps": 8}                      a morph between two labels
    {"audio": "<base64 of a WAV file>", "count": 4}                   variations of that sound
    {"z": [[...]]}                                                    exactly these latent vectors
    {}                                                                one sound of any label

Accept: audio/wav answers one sound as a WAV file, anything else JSON, `rms` on a scale of 0 to 1:
{"sample_rate": 8000,
 "sounds": [{"wav": "<base64>", "label": "seven", "seed": 42, "rms": 0.12, "z": [...]}]}
Accept: application/json; wav=no leaves out `wav` and `z`, which are most of the bytes.

The container holds no TensorFlow: the sound is made by the served graph, model.json beside it says
what it can make.
"""

import array
import base64
import binascii
import io
import json
import math
import secrets
import sys
import wave
from pathlib import Path
from typing import Any

import falcon
import requests

MODEL = json.loads(Path(__file__).parent.parent.joinpath("model.json").read_text(encoding="utf-8"))
RESPONSE_BYTES = 4_000_000  # a serverless endpoint answers with at most 4 MB
MAX_SEED = 2**31 - 1
MAX_TEMPERATURE = 2.0
SECONDS_TO_WAIT = 55  # an invocation ends after 60
WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/*")
JSON_TYPES = ("application/json", "application/*", "*/*")
FIELDS = {  # what decides the kind of request, and the fields that go with it
    "z": {"z"},
    "audio": {"audio", "count", "temperature", "seed"},
    "from": {"from", "to", "steps", "temperature", "seed"},
    "label": {"label", "count", "temperature", "seed"},
}


def handler(data: Any, context: Any) -> tuple[str | bytes, str]:
    """Body and content type of the answer.

    Raises falcon.HTTPBadRequest, whose description is a sentence that names the field.
    """
    kind, with_wav = accepted(context.accept_header)
    wants_wav = kind == "audio/wav"
    request = read_request(data.read(), context.request_content_type)
    signature, inputs, sounds = graph_call(request)
    if wants_wav and len(sounds) != 1:
        raise bad_request(
            f"audio/wav holds one sound, but {len(sounds)} are asked for: "
            "ask for one, or accept application/json"
        )
    outputs = call_model(context.rest_uri, signature, inputs)
    wavs = [item["b64"] for item in outputs["wav_bytes"]]
    if wants_wav:
        return base64.b64decode(wavs[0]), kind
    labels = outputs.get("label", [None] * len(wavs))
    for sound, wav, label, z in zip(sounds, wavs, labels, outputs["z"], strict=True):
        if label:
            sound["label"] = label
        sound["rms"] = round(rms(base64.b64decode(wav)), 4)
        if with_wav:
            sound["wav"], sound["z"] = wav, z
    return json.dumps({"sample_rate": MODEL["sample_rate"], "sounds": sounds}), kind


class Spoken:
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


class BadRequest(Spoken, falcon.HTTPBadRequest):
    """HTTP 400."""


class NotReady(Spoken, falcon.HTTPServiceUnavailable):
    """HTTP 503."""


def bad_request(sentence: str) -> BadRequest:
    """HTTP 400; keyword arguments, for their order changed between falcon's versions."""
    return BadRequest(title="Bad request", description=sentence)


def accepted(accept: str | None) -> tuple[str, bool]:
    """Pick the media type of the answer, and whether JSON carries the sounds themselves.

    The type with the highest q that can be answered, of several the first; JSON when none is named.
    """
    best: tuple[float, str, bool] = (0.0, "", True)
    for part in (accept or "*/*").split(","):
        name, *rest = (word.strip().lower() for word in part.split(";"))
        parameters = dict(word.replace(" ", "").partition("=")[::2] for word in rest)
        kind = "audio/wav" if name in WAV_TYPES else "application/json"
        if name in WAV_TYPES + JSON_TYPES and quality(parameters.get("q", "1")) > best[0]:
            best = (quality(parameters.get("q", "1")), kind, parameters.get("wav") != "no")
    if not best[0]:
        raise bad_request(f"Accept is {shown(accept)}: audio/wav or application/json is possible")
    return best[1:]


def quality(text: str) -> float:
    """Read a media type's q, a number from 0 to 1; anything else counts as 1."""
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


def rms(wav: bytes) -> float:
    """Root mean square of a 16-bit WAV file's samples; 1 is full scale."""
    with wave.open(io.BytesIO(wav)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    return math.sqrt(sum(s * s for s in samples) / max(len(samples), 1)) / 2**15


def read_request(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Parse the request's JSON object; an empty body is the empty object."""
    kind = (content_type or "application/json").split(";")[0].strip().lower()
    if kind != "application/json":
        raise bad_request(f"Content-Type is {shown(content_type)}: it must be application/json")
    if not body.strip():
        return {}
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request('the body is not JSON: send an object such as {"count": 1}') from None
    if not isinstance(request, dict):
        raise bad_request('the body is not a JSON object: send one such as {"count": 1}')
    return request


def graph_call(request: dict[str, Any]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Signature and inputs of the served graph, and what is known of each sound beforehand."""
    if "to" in request or "steps" in request:
        request.setdefault("from", None)
    kind = next((name for name in FIELDS if name in request), "label")
    for name in request:
        if name not in FIELDS[kind]:
            allowed = ", ".join(sorted(FIELDS[kind]))
            together = f"with {kind}" if kind != "label" else "in a request"
            raise bad_request(f"field {shown(name)} is not possible {together}: {allowed} are")
    if kind == "z":
        z = read_latents(request["z"])
        return "latents", {"z": z}, [{} for _ in z]
    temperature = number(request, "temperature", MODEL["temperature"], 0, MAX_TEMPERATURE)
    seed = integer(request, "seed", secrets.randbelow(MAX_SEED), 0, MAX_SEED)
    if kind == "from":
        ends = {"start": label(request, "from"), "end": label(request, "to")}
        steps = integer(request, "steps", 8, 2, max_count())
        inputs = {**ends, "steps": steps, "seed": seed, "temperature": temperature}
        return "morph", inputs, [{"seed": seed} for _ in range(steps)]
    count = integer(request, "count", 1, 1, max_count())
    seeds = [(seed + i) % (MAX_SEED + 1) for i in range(count)]
    inputs = {"seed": seeds, "temperature": [temperature] * count}
    sounds = [{"seed": s} for s in seeds]
    if kind == "audio":
        wav = base64.b64encode(read_wav(request["audio"])).decode()
        return "variations", {"audio_bytes": {"b64": wav}, **inputs}, sounds
    name = label(request, "label") if "label" in request else ""
    return "serving_default", {"label": [name] * count, **inputs}, sounds


def max_count() -> int:
    """How many sounds fit into one response."""
    wav_bytes = 44 + 2 * MODEL["clip_samples"]
    sound_bytes = wav_bytes * 4 // 3 + 26 * MODEL["latent_dim"] + 200  # base64, digits of z, names
    return max(1, RESPONSE_BYTES // sound_bytes)


def label(request: dict[str, Any], field: str) -> str:
    """One of the model's labels."""
    labels = MODEL["labels"]
    if not labels:
        raise bad_request(f"{field}: this model was trained on sounds without labels; leave it out")
    if field not in request or request[field] is None:
        raise bad_request(f"{field} is missing: a morph needs from and to, each a label")
    value = request[field]
    if not isinstance(value, str) or value not in labels:
        known = ", ".join(labels[:100]) + (", …" if len(labels) > 100 else "")
        raise bad_request(f"{field} is {shown(value)}: it must be one of {known}")
    return value


def integer(request: dict[str, Any], field: str, default: int, low: int, high: int) -> int:
    """Read a whole number from low to high."""
    value = request.get(field, default)
    if type(value) is not int or not low <= value <= high:
        raise bad_request(f"{field} is {shown(value)}: it must be an integer from {low} to {high}")
    return value


def number(request: dict[str, Any], field: str, default: float, low: float, high: float) -> float:
    """Read a number from low to high."""
    value = request.get(field, default)
    if type(value) not in (int, float) or not low <= value <= high:
        raise bad_request(f"{field} is {shown(value)}: it must be a number from {low} to {high:g}")
    return float(value)


def read_latents(value: Any) -> list[list[float]]:
    """Read a list of vectors, each of latent_dim finite numbers."""
    size = MODEL["latent_dim"]
    shape = f"z must be a list of 1 to {max_count()} lists of {size} finite numbers each"
    if not isinstance(value, list) or not 1 <= len(value) <= max_count():
        raise bad_request(shape)
    for i, row in enumerate(value):
        if not isinstance(row, list) or len(row) != size:
            raise bad_request(f"{shape}, and entry {i} is not")
        for entry in row:
            if type(entry) not in (int, float) or not abs(entry) <= 1e6:  # NaN is not <= anything
                raise bad_request(f"{shape}, and entry {i} holds {shown(entry)}")
    return value


def read_wav(value: Any) -> bytes:
    """Base64 of a PCM WAV file to the plain 16-bit WAV file that the graph decodes."""
    if not isinstance(value, str):
        raise bad_request("audio must be a string: the base64 of a WAV file")
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("audio is not base64: send the base64 of a WAV file") from None
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            samples = sixteen_bit(file.readframes(file.getnframes()), width)
    except (wave.Error, EOFError, ValueError, MemoryError):
        raise bad_request("audio is not a PCM WAV file of 8, 16, 24 or 32 bits") from None
    if not 1 <= channels <= 8 or not 1000 <= rate <= 384_000:
        raise bad_request(
            f"audio has {channels} channels at {rate} Hz: 1 to 8 at 1000 to 384000 Hz are possible"
        )
    samples = samples[: len(samples) // (2 * channels) * 2 * channels]
    if not any(samples):
        raise bad_request("audio is empty or silent: send a WAV file in which something sounds")
    plain = io.BytesIO()
    with wave.open(plain, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    return plain.getvalue()


def sixteen_bit(samples: bytes, width: int) -> bytes:
    """Little-endian PCM of 1 to 4 bytes a sample to 2 bytes: the upper ones."""
    if width == 1:  # the only unsigned width
        samples = bytes(byte ^ 0x80 for byte in samples)
    count = len(samples) // width
    result = bytearray(2 * count)
    result[1::2] = samples[width - 1 :: width][:count]
    if width > 1:
        result[0::2] = samples[width - 2 :: width][:count]
    return bytes(result)


def call_model(uri: str, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Ask TensorFlow Serving, which turns a failed check in the graph into its own 400."""
    body: Any = {"signature_name": signature, "inputs": inputs}
    try:
        response = requests.post(uri, json=body, timeout=SECONDS_TO_WAIT)
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise NotReady(
            title="Model not ready", description=f"the model did not answer: {shown(error)}"
        ) from error
    if response.status_code != 200:
        raise bad_request(f"the model cannot make this: {shown(answer.get('error', answer))}")
    return answer["outputs"]


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
