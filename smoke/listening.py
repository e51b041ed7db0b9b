"""What the endpoint answers: a sound, or a sentence."""

import io
import time
import wave

from botocore.exceptions import ClientError

from smoke.answers import Found
from smoke.stage import POLL_SECONDS, Stage

COLD_START_SECONDS = 300
NO_LABEL = "no-such-label"


def hears(stage: Stage, request: dict[str, object]) -> Found:
    """Ask for a WAV file, again while the endpoint is cold; yes if it is not silent."""
    began, refusals = time.monotonic(), 0
    while True:
        try:
            kind, body = stage.invoke(request, "audio/wav")
            break
        except ClientError as error:
            cold = error.response["Error"]["Code"] in (
                "ModelNotReadyException",
                "ThrottlingException",
            )
            if not cold or time.monotonic() - began > COLD_START_SECONDS:
                raise
            refusals += 1
            time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - began
    with wave.open(io.BytesIO(body), "rb") as sound:
        length = sound.getnframes() / sound.getframerate()
        loud = any(sound.readframes(sound.getnframes()))
        rate = sound.getframerate()
    seen = f"{kind}, {length:.2f} s at {rate} Hz, {'audible' if loud else 'silent'}"
    if refusals:
        seen += f", after {refusals} refusals while it was cold"
    return Found(kind == "audio/wav" and loud, seen, seconds)


def is_told_what_is_wrong(stage: Stage, labels: list[str]) -> Found:
    """Ask for a label that does not exist; yes if the sentence names those that do."""
    try:
        stage.invoke({"label": NO_LABEL}, "application/json")
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        said = answer.get("OriginalMessage", "")
        seen = (
            f"{answer['Error']['Code']}, HTTP {status}, originally "
            f"{answer.get('OriginalStatusCode')}: {said}"
        )
        right = (
            answer["Error"]["Code"] == "ModelError"
            and status == 424
            and answer.get("OriginalStatusCode") == 400
            and all(label in said for label in labels)
        )
        return Found(right, seen)
    return Found(False, "it was answered")
