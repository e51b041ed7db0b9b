"""What the page asks for, checked as far as the endpoint does not check it, and made.

{"label": "seven", "count": 4, "temperature": 0.8, "seed": 42}   new sounds; of any label if none
{"from": "three", "to": "seven", "steps": 17, "seed": 42}        a morph
{"audio": "<base64 of a WAV file>", "name": "kick.wav", "count": 4, "seed": 42}   variations
{"at": [0.1, -0.4]}                                              a place on the map
{"z": [[…]]}                                                     exactly these latent vectors
"""

import base64
import binascii
import math
import secrets
from typing import Any

from client import endpoint
from client.endpoint import Sound
from client.failure import Failure
from client.stack import Stack
from client.studio.served import ServedModels

MOST_SOUNDS = 64  # of a label in one go
MOST_SEED = 2**31 - 1 - MOST_SOUNDS  # the endpoint's highest is that of the last sound
FIELDS = {
    "at": {"at"},
    "z": {"z"},
    "audio": {"audio", "name", "count", "temperature", "seed"},
    "from": {"from", "to", "steps", "seed"},
    "label": {"label", "count", "temperature", "seed"},
}


class WrongWishError(Failure):
    """The page, or whoever plays it, asked for what there is not."""


def fulfil(stack: Stack, models: ServedModels, wish: dict[str, Any]) -> list[Sound]:
    """Make the sounds of a wish; raises `Failure` with a sentence."""
    kind = next((name for name in FIELDS if name in wish), "label")
    for name in wish:
        if name not in FIELDS[kind]:
            possible = ", ".join(sorted(FIELDS[kind]))
            raise WrongWishError(f"Field {name[:100]!r} is not possible here: {possible} are.")
    if kind == "z":
        return endpoint.decode(stack, wish["z"])
    if kind == "at":
        return _at(stack, models, wish["at"])
    seed = _integer(wish, "seed", secrets.randbelow(1_000_000), 0, MOST_SEED)
    if kind == "from":
        steps = _integer(wish, "steps", 8, 2, MOST_SOUNDS)
        return endpoint.morph(stack, wish["from"], wish.get("to", ""), steps, seed)
    count, temperature = _integer(wish, "count", 1, 1, MOST_SOUNDS), wish.get("temperature")
    if kind == "audio":
        content, name = _content(wish["audio"]), str(wish.get("name", "The recording"))
        return endpoint.vary_content(stack, content, name, count, seed, temperature)
    return list(endpoint.sample(stack, [wish.get("label")], count, seed, temperature))


def _at(stack: Stack, models: ServedModels, place: Any) -> list[Sound]:
    if not isinstance(place, list) or len(place) != 2:
        raise WrongWishError("at must be a list of two numbers, x and y on the map.")
    x, y = place
    if any(type(v) not in (int, float) or not math.isfinite(v) for v in place):
        raise WrongWishError("at must hold two finite numbers, x and y on the map.")
    served = models.now()
    if not served.sounds:
        raise WrongWishError(served.no_map)
    z, nearest = served.sounds.z_at(x, y)
    label = None if nearest.label is None else served.sounds.labels[nearest.label]
    near = {"near": nearest.name, **({"near_label": label} if label is not None else {})}
    return [
        Sound(sound.wav, {**sound.said, "at": [x, y], **near})
        for sound in endpoint.decode(stack, [z])
    ]


def _content(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise WrongWishError("audio must be the base64 of a WAV file.") from None


def _integer(wish: dict[str, Any], field: str, default: int, low: int, high: int) -> int:
    value = wish.get(field, default)
    if type(value) is not int or not low <= value <= high:
        raise WrongWishError(f"{field} must be a whole number from {low} to {high}.")
    return int(value)
