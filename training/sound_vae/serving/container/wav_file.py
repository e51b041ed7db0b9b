"""RIFF/WAVE files: from bytes to samples of 16 bits, and back.

Python's own `wave` refuses extensible headers before 3.12 and raises RuntimeError for a chunk that
points outside the file.
"""

import array
import math
import struct
import sys
from dataclasses import dataclass

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
"""Formats, as the header numbers them; an extensible header names the real one further on."""
FULL_SCALE = 2**15
UNSIGNED_TO_SIGNED = bytes(byte ^ 0x80 for byte in range(256))
POSSIBLE = "PCM of 8, 16, 24 or 32 bits or floats of 32 or 64 bits are possible"


class UnreadableError(ValueError):
    """The message is the rest of a sentence whose subject is the file."""


@dataclass(frozen=True)
class Wav:
    """Samples from -32768 to 32767, the channels in turns, and how many of them there are."""

    samples: "array.array[int]"
    channels: int
    rate: int  # Hz


def read_wav(content: bytes) -> Wav:
    """Decode a file; one that ends too early is used as far as it goes.

    Raises UnreadableError.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnreadableError(f"is not a WAV file: {POSSIBLE}")
    header, at = b"", 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"fmt ":
            header = content[at + 8 : at + 8 + size]
        elif name == b"data":
            return _decode(header, content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2  # a chunk of odd size is followed by a byte that means nothing
    raise UnreadableError("is a WAV file without samples")


def _decode(header: bytes, data: bytes) -> Wav:
    if len(header) < 16:
        raise UnreadableError("is a WAV file that does not say its format before its samples")
    kind, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", header)
    if kind == EXTENSIBLE and len(header) >= 26:
        (kind,) = struct.unpack_from("<H", header, 24)
    if kind not in (PCM, FLOAT) or bits not in ((8, 16, 24, 32) if kind == PCM else (32, 64)):
        what = {PCM: "PCM", FLOAT: "floats"}.get(kind, f"format {kind}")
        raise UnreadableError(f"is a WAV file of {bits}-bit {what}: {POSSIBLE}")
    width = bits // 8
    if not channels or frame_bytes != channels * width:
        raise UnreadableError(
            f"is a WAV file that says {channels} channels of {bits} bits take {frame_bytes} bytes"
        )
    data = data[: len(data) // frame_bytes * frame_bytes]
    samples = _from_pcm(data, width) if kind == PCM else _from_floats(data, width)
    return Wav(samples, channels, rate)


def _from_pcm(data: bytes, width: int) -> "array.array[int]":
    """Keep the upper two bytes of each sample."""
    if width == 1:  # the only unsigned width
        data = data.translate(UNSIGNED_TO_SIGNED)
    upper = bytearray(2 * (len(data) // width))
    upper[1::2] = data[width - 1 :: width]
    if width > 1:
        upper[0::2] = data[width - 2 :: width]
    return _little_endian("h", bytes(upper))


def _from_floats(data: bytes, width: int) -> "array.array[int]":
    """Full scale is 1; a file that goes beyond is made quieter as a whole."""
    values = _little_endian({4: "f", 8: "d"}[width], data)
    if not all(map(math.isfinite, values)):
        raise UnreadableError("is a WAV file that holds a sample which is not a number")
    scale = (FULL_SCALE - 1) / max(1.0, max(values, default=0), -min(values, default=0))
    return array.array("h", [round(value * scale) for value in values])


def _little_endian(code: str, data: bytes) -> "array.array[int]":
    values = array.array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def write_wav(samples: "array.array[int]", rate: int) -> bytes:
    """Encode one channel of 16 bits."""
    data = samples.tobytes() if sys.byteorder == "little" else _swapped(samples).tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, PCM, 1, rate, 2 * rate, 2, 16)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


def _swapped(samples: "array.array[int]") -> "array.array[int]":
    swapped = samples[:]
    swapped.byteswap()
    return swapped


def rms(wav: bytes) -> float:
    """Root mean square of a file's samples; 1 is full scale."""
    samples = read_wav(wav).samples
    return math.sqrt(sum(s * s for s in samples) / max(len(samples), 1)) / FULL_SCALE
