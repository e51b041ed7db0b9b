"""The caller's WAV file, made what the served graph decodes: one channel, no longer than needed.

The graph takes a sound from its onset on, brings it to the model's rate and crops it to a clip. Its
resampler transforms the whole file at once, so what it would crop anyway is cut off here: 3 MB of
8-bit sound at 1 kHz are 50 minutes, for which it would take 2.4 GB at 48 kHz.
"""

import array
import base64
import binascii
from typing import Any

from sound_vae.serving.container.json_error import bad_request
from sound_vae.serving.container.wav_file import (
    FULL_SCALE,
    UnreadableError,
    Wav,
    read_wav,
    write_wav,
)

ONSET = 0.02  # of the peak: what comes before is silence, for the graph as well
SILENCE = 1e-4 * FULL_SCALE  # the graph refuses a peak that is no higher
FADE = 0.05  # seconds beyond the clip, so that the cut does not click into it
CHANNELS = range(1, 9)
RATES = range(1000, 384_001)  # Hz


def read_upload(value: Any, clip_seconds: float) -> bytes:
    """Base64 of a WAV file to a 16-bit WAV file of one channel that begins with the sound's onset.

    Raises BadRequest with a sentence.
    """
    if not isinstance(value, str):
        raise bad_request("audio must be a string: the base64 of a WAV file")
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("audio is not base64: send the base64 of a WAV file") from None
    try:
        wav = read_wav(content)
    except UnreadableError as error:
        raise bad_request(f"audio {error}") from None
    if wav.channels not in CHANNELS or wav.rate not in RATES:
        raise bad_request(
            f"audio has {wav.channels} channels at {wav.rate} Hz: "
            f"{CHANNELS[0]} to {CHANNELS[-1]} at {RATES[0]} to {RATES[-1]} Hz are possible"
        )
    sound = mixed(wav)
    peak = max(max(sound, default=0), -min(sound, default=0))
    if peak <= SILENCE:
        raise bad_request("audio is empty or silent: send a WAV file in which something sounds")
    onset = next(at for at, sample in enumerate(sound) if abs(sample) > ONSET * peak)
    return write_wav(cropped(sound[onset:], wav.rate, clip_seconds), wav.rate)


def mixed(wav: Wav) -> "array.array[int]":
    """Mean of the channels."""
    if wav.channels == 1:
        return wav.samples
    frames = zip(*(wav.samples[at :: wav.channels] for at in range(wav.channels)), strict=True)
    return array.array("h", [round(sum(frame) / wav.channels) for frame in frames])


def cropped(sound: "array.array[int]", rate: int, seconds: float) -> "array.array[int]":
    """Leave `seconds` as they are, fade the next FADE seconds out, and cut off the rest."""
    kept, fade = round(seconds * rate) + 1, round(FADE * rate)
    if len(sound) <= kept + fade:
        return sound
    for at in range(fade):
        sound[kept + at] = round(sound[kept + at] * (1 - at / fade))
    return sound[: kept + fade]
