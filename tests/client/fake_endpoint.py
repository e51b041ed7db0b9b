"""An endpoint that answers at once with short sounds, and counts what it was asked."""

import base64
import io
import json
import wave
from typing import Any

from botocore.exceptions import ClientError

from client.stack import Connection, Stack


def wav(content: bytes = b"\0\0" * 80) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(content)
    return file.getvalue()


class Runtime:
    """`sagemaker-runtime` of an endpoint whose answers hold at most `most` sounds."""

    def __init__(self, most: int = 100, samples: int = 80) -> None:
        self.most, self.samples = most, samples
        self.requests: list[dict[str, Any]] = []

    def invoke_endpoint(self, **given: Any) -> dict[str, Any]:
        request = json.loads(given["Body"])
        self.requests.append(request)
        count = (
            len(request["z"]) if "z" in request else request.get("steps", request.get("count", 1))
        )
        if count > self.most:
            self.refuse(f"count is {count}: it must be from 1 to {self.most}")
        if request.get("label") == "cowbell":
            self.refuse('label is "cowbell": it must be one of "kick", "snare"')
        sounds = []
        for number in range(count):
            seed = request.get("seed", 0) + number
            content = (seed % 2**15).to_bytes(2, "little") * self.samples
            z = request["z"][number] if "z" in request else [0.5]
            said = self.described(request, number, count)
            sounds.append({"wav": base64.b64encode(wav(content)).decode(), "z": z, **said})
        return {"Body": io.BytesIO(json.dumps({"sounds": sounds}).encode())}

    def described(self, request: dict[str, Any], number: int, count: int) -> dict[str, Any]:
        """What the endpoint says of a sound, as far as the request decides it."""
        if "z" in request:
            return {}
        if "from" in request:
            place = round(number / (count - 1), 4)
            return {**{name: request[name] for name in ("from", "to", "seed")}, "position": place}
        seed = {"seed": request["seed"] + number}
        return seed if "audio" in request else {**seed, "label": request.get("label", "kick")}

    def refuse(self, sentence: str) -> None:
        answer = {
            "Error": {"Code": "ModelError", "Message": "Received client error (400) …"},
            "OriginalStatusCode": 400,
            "OriginalMessage": json.dumps({"title": "Bad request", "description": sentence}),
        }
        raise ClientError(answer, "InvokeEndpoint")


class FakeStack(Stack):
    """A stack whose endpoint is a `Runtime`, and whose other services are those of `more`."""

    def client(self, api: str) -> Any:
        return self.outputs[api]


def serving(runtime: Runtime, **more: Any) -> FakeStack:
    outputs: Any = {"EndpointName": "sound-vae", "sagemaker-runtime": runtime, **more}
    return FakeStack(Connection(), "SoundVae", outputs)
