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
        count = request.get("steps", request.get("count", 1))
        if count > self.most:
            self.refuse(f"count is {count}: it must be from 1 to {self.most}")
        if request.get("label") == "cowbell":
            self.refuse('label is "cowbell": it must be one of "kick", "snare"')
        sounds = []
        for number in range(count):
            seed = request["seed"] + number
            content = seed.to_bytes(2, "little", signed=False) * self.samples
            said = {"seed": seed, "label": request.get("label", "kick"), "z": [0.5]}
            sounds.append({"wav": base64.b64encode(wav(content)).decode(), **said})
        return {"Body": io.BytesIO(json.dumps({"sounds": sounds}).encode())}

    def refuse(self, sentence: str) -> None:
        answer = {
            "Error": {"Code": "ModelError", "Message": "Received client error (400) …"},
            "OriginalStatusCode": 400,
            "OriginalMessage": json.dumps({"title": "Bad request", "description": sentence}),
        }
        raise ClientError(answer, "InvokeEndpoint")


class FakeStack(Stack):
    """A stack whose endpoint is a `Runtime`."""

    def client(self, api: str) -> Any:
        assert api == "sagemaker-runtime"
        return self.outputs["runtime"]


def serving(runtime: Runtime) -> FakeStack:
    outputs: Any = {"EndpointName": "sound-vae", "runtime": runtime}
    return FakeStack(Connection(), "SoundVae", outputs)
