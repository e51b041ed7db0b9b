import io
import math
import struct

import numpy as np
import pytest
import soundfile

from sound_vae.serving.container.wav_file import (
    EXTENSIBLE,
    FLOAT,
    PCM,
    UnreadableError,
    read_wav,
    rms,
    write_wav,
)

RATE = 8000


def written(sound: np.ndarray, subtype: str, form: str = "WAV") -> bytes:
    """Encode with a writer that is not ours."""
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, subtype=subtype, format=form)
    return file.getvalue()


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.9, 0.9, (1000, 3))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_every_width_gives_the_samples_that_libsndfile_reads(
    noise: np.ndarray, subtype: str, form: str
) -> None:
    content = written(noise, subtype, form)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float64")
    wav = read_wav(content)
    assert (wav.channels, wav.rate) == (3, RATE)
    samples = np.array(wav.samples).reshape(-1, 3)
    np.testing.assert_allclose(samples / 2**15, expected, atol=1.5 / 2**15)


def test_what_is_written_is_what_libsndfile_reads(noise: np.ndarray) -> None:
    samples = read_wav(written(noise[:, 0], "PCM_16")).samples
    sound, rate = soundfile.read(io.BytesIO(write_wav(samples, RATE)), dtype="int16")
    assert rate == RATE
    np.testing.assert_array_equal(sound, samples)


def test_chunks_of_other_kinds_are_passed_over(noise: np.ndarray) -> None:
    content = written(noise, "PCM_16")
    noted = content[:12] + b"LIST\5\0\0\0abcde\0" + content[12:]
    assert read_wav(noted) == read_wav(content)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_file_written_to_a_pipe_is_used_to_its_end(noise: np.ndarray, size: int) -> None:
    content = written(noise, "PCM_16")
    at = content.index(b"data") + 4
    streamed = content[:at] + size.to_bytes(4, "little") + content[at + 4 :]
    assert read_wav(streamed) == read_wav(content)


def test_a_file_that_ends_within_a_sample_is_used_as_far_as_it_goes(noise: np.ndarray) -> None:
    assert len(read_wav(written(noise, "PCM_16")[:-1]).samples) == 999 * 3


def test_another_compression_is_named() -> None:
    with pytest.raises(UnreadableError, match=r"format 7: PCM of 8, 16, 24 or 32 bits"):
        read_wav(written(np.zeros(100), "ULAW"))


def test_silence_is_of_no_loudness() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)
    assert rms(written(0 * tone, "PCM_16")) == 0
    assert rms(written(tone, "PCM_16")) == pytest.approx(math.sqrt(0.5), abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [*((PCM, bits) for bits in (0, 7, 12, 33, 40, 48, 64)), *((FLOAT, b) for b in (8, 16, 24, 80))],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_another_width_is_refused_as_the_sentence_says(
    kind: int, bits: int, extensible: bool
) -> None:
    frame = max(bits // 8, 1)
    header = struct.pack(
        "<HHIIHH", EXTENSIBLE if extensible else kind, 1, RATE, RATE * frame, frame, bits
    )
    if extensible:
        header += struct.pack("<HHIH", 22, bits, 0, kind) + bytes.fromhex(
            "000000001000800000AA00389B71"
        )
    chunks = b"WAVEfmt " + struct.pack("<I", len(header)) + header
    chunks += b"data" + struct.pack("<I", 120 * frame) + bytes(120 * frame)
    content = b"RIFF" + struct.pack("<I", len(chunks)) + chunks
    with pytest.raises(UnreadableError, match=rf"of {bits}-bit .*: PCM of 8, 16, 24 or 32 bits"):
        read_wav(content)
