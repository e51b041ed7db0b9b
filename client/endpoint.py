"""Requests to the endpoint: sounds of a label, morphs, variations."""

import base64
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from client.failure import Failure
from client.stack import Stack

MOST_BYTES = 4_000_000  # of a request or a response of a serverless endpoint
MOST_AUDIO = MOST_BYTES * 3 // 4 - 1_000  # bytes of a recording: in base64 it is a third longer
ROOM = 0.9  # of a response that is used
PER_REQUEST = 16  # sounds at most, so that an answer takes a second at most


class Refused(Failure):
    """Something is wrong with a request, which the endpoint says as a rule: another one may do."""


@dataclass(frozen=True)
class Sound:
    """One sound of an answer."""

    wav: bytes
    said: dict[str, Any]  # such as label, seed, position, z


def invoke(stack: Stack, request: dict[str, Any]) -> list[Sound]:
    """Send one request; raises `Failure` with the endpoint's own sentence.

    It is a `Refused` when the request was at fault.
    """
    try:
        answer = stack.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=stack.endpoint,
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps(request),
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ModelError":
            raise
        kind = Refused if error.response.get("OriginalStatusCode", 500) < 500 else Failure
        raise kind(_sentence(error.response.get("OriginalMessage", ""))) from error
    sounds = json.loads(answer["Body"].read())["sounds"]
    return [Sound(base64.b64decode(s["wav"]), {k: s[k] for k in s if k != "wav"}) for s in sounds]


def sample(
    stack: Stack,
    labels: Iterable[str | None],
    count: int,
    seed: int,
    temperature: float | None,
    pitch: float | None = None,
) -> Iterator[Sound]:
    """Ask for `count` sounds of each label, with the seeds from `seed` on, in small requests.

    A pitch is in Hz.
    """
    at_once = 1  # until the first answer shows how long a sound is
    for label in labels:
        start = 0
        while start < count:
            request: dict[str, Any] = {"count": min(at_once, count - start), "seed": seed + start}
            if label is not None:
                request["label"] = label
            if temperature is not None:
                request["temperature"] = temperature
            if pitch is not None:
                request["pitch"] = pitch
            sounds = invoke(stack, request)
            yield from sounds
            start += len(sounds)
            longest = max(len(json.dumps(s.said)) + len(s.wav) * 4 / 3 for s in sounds)
            at_once = int(max(1, min(PER_REQUEST, MOST_BYTES * ROOM // longest)))


def morph(
    stack: Stack, start: str, end: str, steps: int, seed: int, pitch: list[float] | None = None
) -> list[Sound]:
    """Ask for the way from one label to another, and from one pitch in Hz to another."""
    request: dict[str, Any] = {"from": start, "to": end, "steps": steps, "seed": seed}
    if pitch:
        request["pitch"] = pitch if len(pitch) > 1 else pitch[0]
    return invoke(stack, request)


def decode(stack: Stack, z: list[list[float]]) -> list[Sound]:
    """Ask for exactly these latent vectors, (sounds, latent_dim)."""
    return invoke(stack, {"z": z})


def vary(stack: Stack, file: Path, count: int, seed: int, temperature: float | None) -> list[Sound]:
    """Ask for variations of a recording: a WAV file, or what is made one here first."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.") from error
    if file.suffix.lower() == ".wav":
        return vary_content(stack, content, str(file), count, seed, temperature)
    wav = _as_wav(content, file)
    return vary_content(stack, wav, f"{file} as a WAV file", count, seed, temperature)


def _as_wav(content: bytes, file: Path) -> bytes:
    """Decode what the endpoint does not read; no more of it than shows that it is too long."""
    import soundfile  # with NumPy a quarter of the time that every command takes to start

    wav = io.BytesIO()
    try:
        # not as integers, as which floating-point files would come out silent
        samples, rate = soundfile.read(io.BytesIO(content), MOST_AUDIO // 2 + 1, dtype="float32")
    except soundfile.SoundFileError as error:
        raise Failure(
            f"{file} is no sound that can be read: name a WAV, FLAC, OGG, MP3 or AIFF file."
        ) from error
    soundfile.write(wav, samples, rate, format="WAV", subtype="PCM_16")
    return wav.getvalue()


def vary_content(
    stack: Stack, content: bytes, name: str, count: int, seed: int, temperature: float | None
) -> list[Sound]:
    """Ask for variations of a recording of this name, the content of a WAV file."""
    if len(content) > MOST_AUDIO:
        raise Refused(
            f"{name} has more than {MOST_AUDIO / 1e6:.1f} MB, the most that a request takes: "
            "cut it shorter first."
        )
    request = {"audio": base64.b64encode(content).decode(), "count": count, "seed": seed}
    if temperature is not None:
        request["temperature"] = temperature
    return invoke(stack, request)


def most_at_once(clip_samples: int, latent_dim: int) -> int:
    """Say how many sounds of this length (16 bits a sample) and their z fit into a response."""
    digits = 26  # of a number of z in JSON, with its comma
    return max(1, int(MOST_BYTES * ROOM / (clip_samples * 2 * 4 / 3 + latent_dim * digits)))


def _sentence(message: str) -> str:
    try:
        return str(json.loads(message)["description"])
    except (ValueError, KeyError, TypeError):
        return f"The endpoint failed: {message or 'it gave no reason'}"
