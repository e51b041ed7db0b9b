"""Sounds of one pitch, made without the packages that read them."""

import io
import math
import wave
from array import array

from tests.local.deployment import Deployed

RATE = 8000  # Hz


def tone(hertz: float, seconds: float) -> bytes:
    """Make a sine as a WAV file."""
    count = round(RATE * seconds)
    samples = array(
        "h", (int(9000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(count))
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def upload(product: Deployed, folder: str, names: list[str]) -> None:
    """Put sounds of these names into a folder of the bucket."""
    for number, name in enumerate(names):
        body = tone(300 + 10 * number, 0.2)
        product.client("s3").put_object(Bucket=product.bucket, Key=folder + name, Body=body)
