"""What the caller gets: of which media type, how many sounds at most, and what is said of each."""

import base64
import json
from typing import Any

from sound_vae.serving.container.json_error import bad_request, shown
from sound_vae.serving.container.wav_file import rms

RESPONSE_BYTES = 4_000_000  # a serverless endpoint answers with at most 4 MB
WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/*")
JSON_TYPES = ("application/json", "application/*", "*/*")


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
        value = float(text)
    except ValueError:
        return 1.0
    return value if 0 <= value <= 1 else 1.0


def max_count(model: dict[str, Any]) -> int:
    """How many sounds fit into one response."""
    wav_bytes = 44 + 2 * model["clip_samples"]
    names = 2 * max((len(json.dumps(label)) for label in model["labels"]), default=0)
    # base64, digits of z, `from` and `to`, and the other names and numbers
    sound_bytes = wav_bytes * 4 // 3 + 26 * model["latent_dim"] + names + 200
    return max(1, RESPONSE_BYTES // sound_bytes)


def described(
    sounds: list[dict[str, Any]], outputs: dict[str, Any], with_wav: bool
) -> list[dict[str, Any]]:
    """Add to what the request says of each sound what the served graph says of it."""
    wavs = [item["b64"] for item in outputs["wav_bytes"]]
    described = []
    for sound, wav, z in zip(with_labels(sounds, outputs), wavs, outputs["z"], strict=True):
        large = {"wav": wav, "z": z} if with_wav else {}
        described.append({**sound, "rms": round(rms(base64.b64decode(wav)), 4), **large})
    return described


def with_labels(sounds: list[dict[str, Any]], outputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Put before what the request says of each sound the label that it was made with, if any."""
    labels = outputs.get("label", [None] * len(sounds))
    pairs = zip(labels, sounds, strict=True)
    return [{**({"label": label} if label else {}), **sound} for label, sound in pairs]
