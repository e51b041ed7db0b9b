"""A request's body, checked, and what it means to the served graph."""

import base64
import json
import secrets
from typing import Any

from sound_vae.serving.container.answer import max_count
from sound_vae.serving.container.json_error import bad_request, listed, shown
from sound_vae.serving.container.upload import read_upload

MAX_SEED = 2**31 - 1
MAX_TEMPERATURE = 2.0
EXAMPLE = 'send one such as {"count": 1}'
FIELDS = {  # what decides the kind of request, and the fields that go with it
    "z": {"z", "pitch"},
    "audio": {"audio", "count", "temperature", "seed"},
    "from": {"from", "to", "steps", "temperature", "seed", "pitch"},
    "label": {"label", "count", "temperature", "seed", "pitch"},
}
GraphCall = tuple[str, dict[str, Any], list[dict[str, Any]]]


def media_type(content_type: str | None) -> str:
    """Return a Content-Type without its parameters; JSON when there is none."""
    return (content_type or "application/json").split(";")[0].strip().lower()


def read_request(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Parse the request's JSON object, or the JSON string that holds it.

    An empty body is the empty object. Step Functions, which calls an endpoint after a promotion,
    puts a body that is a string into quotes.
    """
    if media_type(content_type) != "application/json":
        raise bad_request(f"Content-Type is {shown(content_type)}: it must be application/json")
    return read_object(body)


def read_object(body: Any) -> dict[str, Any]:
    """Parse a request that is still text; raises BadRequest."""
    if isinstance(body, bytes) and not body.strip():
        return {}
    sentence = f"the body is not JSON: {EXAMPLE}"
    request = parsed(body, sentence) if isinstance(body, bytes) else body
    if isinstance(request, str):
        sentence = f"the body is a JSON string that holds no JSON object: {EXAMPLE}"
        request = parsed(request, sentence)
    else:
        sentence = f"the body is not a JSON object: {EXAMPLE}"
    if not isinstance(request, dict):
        raise bad_request(sentence)
    return request


def parsed(text: str | bytes, sentence: str) -> Any:
    """Parse JSON; say the sentence if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise bad_request(sentence) from None


def graph_call(request: dict[str, Any], model: dict[str, Any]) -> GraphCall:
    """Signature and inputs of the served graph, and what is known of each sound beforehand.

    `model` is model.json. Raises BadRequest with a sentence that names the field.
    """
    if "to" in request or "steps" in request:
        request = {"from": None, **request}
    kind = next((name for name in FIELDS if name in request), "label")
    check_fields(request, kind)
    most = max_count(model)
    if kind == "z":
        z = latents(request["z"], model["latent_dim"], most)
        if "pitch" in request:
            pitch = pitch_of(request["pitch"], model)
            known = [{"pitch": pitch} for _ in z]
            return "latents_at_pitch", {"z": z, "pitch": [pitch] * len(z)}, known
        return "latents", {"z": z}, [{} for _ in z]
    temperature = number(request, "temperature", model["temperature"], 0, MAX_TEMPERATURE)
    seed = seed_of(request)
    if kind == "from":
        start, end = label(request, "from", model), label(request, "to", model)
        steps = integer(request, "steps", 8, 2, most)
        inputs = {"start": start, "end": end, "seed": seed, "temperature": temperature}
        ends = {"from": start, "to": end, "seed": seed}
        places = [round(step / (steps - 1), 4) for step in range(steps)]
        sounds = [{**ends, "position": place} for place in places]
        if "pitch" in request:
            glide = pitches(request["pitch"], steps, model)
            sounds = [{**one, "pitch": p} for one, p in zip(sounds, glide, strict=True)]
            return "morph_at_pitch", {**inputs, "pitch": glide}, sounds
        return "morph", {**inputs, "steps": steps}, sounds
    count = integer(request, "count", 1, 1, most)
    seeds = [(seed + i) % (MAX_SEED + 1) for i in range(count)]
    inputs = {"seed": seeds, "temperature": [temperature] * count}
    sounds = [{"seed": s} for s in seeds]
    if kind == "audio":
        wav = read_upload(request["audio"], model["clip_samples"] / model["sample_rate"])
        audio = {"b64": base64.b64encode(wav).decode()}
        return "variations", {"audio_bytes": audio, **inputs}, sounds
    name = label(request, "label", model) if "label" in request else ""
    inputs["label"] = [name] * count
    if "pitch" in request:
        pitch = pitch_of(request["pitch"], model)
        inputs["pitch"] = [pitch] * count
        return "sample_at_pitch", inputs, [{**one, "pitch": pitch} for one in sounds]
    return "serving_default", inputs, sounds


def check_fields(request: dict[str, Any], kind: str) -> None:
    """Refuse a field that no request has, or that this kind of request does not have."""
    known = set().union(*FIELDS.values())
    for name in request:
        if name not in known:
            possible = ", ".join(sorted(known))
            raise bad_request(f"field {shown(name)} is not known: the fields are {possible}")
        if name not in FIELDS[kind]:
            together = ", ".join(sorted(FIELDS[kind]))
            raise bad_request(f"field {shown(name)} is not possible with {kind}: {together} are")


def label(request: dict[str, Any], field: str, model: dict[str, Any]) -> str:
    """One of the model's labels."""
    labels = model["labels"]
    if not labels:
        raise bad_request(f"{field}: this model was trained on sounds without labels; leave it out")
    if field not in request or (request[field] is None and field != "label"):
        raise bad_request(f"{field} is missing: a morph needs from and to, each a label")
    value = request[field]
    if not isinstance(value, str) or value not in labels:
        raise bad_request(f"{field} is {shown(value)}: it must be one of {listed(labels)}")
    return value


def integer(request: dict[str, Any], field: str, default: int, low: int, high: int) -> int:
    """Read a whole number from low to high."""
    value = request.get(field, default)
    if type(value) is not int or not low <= value <= high:
        raise bad_request(f"{field} is {shown(value)}: it must be an integer from {low} to {high}")
    return value


def seed_of(request: dict[str, Any]) -> int:
    """Read the first sound's seed, or draw one."""
    return integer(request, "seed", secrets.randbelow(MAX_SEED), 0, MAX_SEED)


def number(request: dict[str, Any], field: str, default: float, low: float, high: float) -> float:
    """Read a number from low to high."""
    value = request.get(field, default)
    if type(value) not in (int, float) or not low <= value <= high:
        raise bad_request(f"{field} is {shown(value)}: it must be a number from {low} to {high:g}")
    return float(value)


def pitch_of(value: Any, model: dict[str, Any]) -> float:
    """Read a pitch in Hz."""
    limits = model.get("pitch_range")
    if not limits:
        raise bad_request("pitch: this model's sounds are made without one; leave it out")
    low, high = limits
    if type(value) not in (int, float) or not low <= value <= high:
        raise bad_request(
            f"pitch is {shown(value)}: it must be a number of Hz from {low:g} to {high:g}"
        )
    return float(value)


def pitches(value: Any, steps: int, model: dict[str, Any]) -> list[float]:
    """Read the pitch of each step of a morph: one for all, or a list of the first and the last."""
    if not isinstance(value, list):
        return [pitch_of(value, model)] * steps
    if len(value) != 2:
        raise bad_request(f"pitch is {shown(value)}: in a morph it must be a number or two of them")
    first, last = (pitch_of(end, model) for end in value)
    return [first * (last / first) ** (step / (steps - 1)) for step in range(steps)]


def latents(value: Any, size: int, most: int) -> list[list[float]]:
    """Read a list of 1 to `most` vectors, each of `size` finite numbers."""
    shape = f"z must be a list of 1 to {most} lists of {size} finite numbers each"
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise bad_request(shape)
    for i, row in enumerate(value):
        if not isinstance(row, list) or len(row) != size:
            raise bad_request(f"{shape}, and entry {i} is not")
        for entry in row:
            if type(entry) not in (int, float) or not abs(entry) <= 1e6:  # NaN is not <= anything
                raise bad_request(f"{shape}, and entry {i} holds {shown(entry)}")
    return value
