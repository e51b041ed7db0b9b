import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from client import endpoint
from client.failure import Failure
from tests.client.fake_endpoint import Runtime, serving


def test_a_label_after_the_other_with_seeds_in_a_row() -> None:
    runtime = Runtime()
    made = list(endpoint.sample(serving(runtime), ["kick", "snare"], 20, 7, None))
    assert [(s.said["label"], s.said["seed"]) for s in made] == [
        (label, 7 + n) for label in ("kick", "snare") for n in range(20)
    ]
    assert max(r["count"] for r in runtime.requests) == endpoint.PER_REQUEST


def test_long_sounds_are_asked_for_in_small_numbers() -> None:
    runtime = Runtime(most=2, samples=600_000)  # 1.2 MB each, so two fit into a response
    made = list(endpoint.sample(serving(runtime), [None], 4, 0, 0.5))
    assert [s.said["seed"] for s in made] == [0, 1, 2, 3]
    assert all(r["temperature"] == 0.5 and "label" not in r for r in runtime.requests)


def test_a_pitch_goes_with_each_request_and_two_make_a_glide() -> None:
    runtime = Runtime()
    list(endpoint.sample(serving(runtime), ["kick"], 20, 0, None, 440.0))
    assert {request["pitch"] for request in runtime.requests} == {440}
    runtime.requests.clear()
    endpoint.morph(serving(runtime), "kick", "snare", 4, 0, [220.0])
    endpoint.morph(serving(runtime), "kick", "snare", 4, 0, [220.0, 440.0])
    endpoint.morph(serving(runtime), "kick", "snare", 4, 0)
    assert [r.get("pitch") for r in runtime.requests] == [220, [220, 440], None]


def test_the_endpoints_own_sentence_is_told() -> None:
    with pytest.raises(Failure, match=r'^label is "cowbell": it must be one of "kick", "snare"$'):
        list(endpoint.sample(serving(Runtime()), ["cowbell"], 1, 0, None))


def test_a_recording_that_is_too_long_is_not_sent(tmp_path: Path) -> None:
    runtime, file = Runtime(), tmp_path / "long.wav"
    file.write_bytes(b"\0" * (endpoint.MOST_AUDIO + 1))
    with pytest.raises(Failure, match=r"long\.wav has more than 3\.0 MB, the most that"):
        endpoint.vary(serving(runtime), file, 1, 0, None)
    with pytest.raises(Failure, match=r"nowhere\.wav cannot be read"):
        endpoint.vary(serving(runtime), tmp_path / "nowhere.wav", 1, 0, None)
    assert not runtime.requests
    file.write_bytes(b"\0" * endpoint.MOST_AUDIO)
    endpoint.vary(serving(runtime), file, 1, 0, None)
    assert len(json.dumps(runtime.requests[0])) < endpoint.MOST_BYTES, "the longest fits"


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("flac", None), ("ogg", None), ("mp3", None), ("aiff", "PCM_24"), ("aiff", "FLOAT")],
)
def test_a_recording_of_another_format_is_sent_as_wav(
    tmp_path: Path, suffix: str, subtype: str | None
) -> None:
    runtime, file = Runtime(), tmp_path / f"kick.{suffix}"
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    soundfile.write(file, np.stack([wave, wave], axis=1), 16_000, subtype)
    endpoint.vary(serving(runtime), file, 1, 0, None)
    sent = base64.b64decode(runtime.requests[0]["audio"])
    assert sent.startswith(b"RIFF")
    samples, rate = soundfile.read(io.BytesIO(sent))
    assert rate == 16_000
    length = min(len(samples), len(wave))  # an MP3 is a little longer
    assert length > 0.98 * len(wave)
    assert np.abs(samples).max() == pytest.approx(0.5, rel=0.15)
    spectrum = np.abs(np.fft.rfft(samples[:length, 0]))
    assert spectrum.argmax() * rate / length == pytest.approx(440, abs=2)


def test_what_is_no_sound_or_too_long_a_one_is_not_sent(tmp_path: Path) -> None:
    runtime, file = Runtime(), tmp_path / "notes.txt"
    file.write_text("eight bars of drums")
    with pytest.raises(Failure, match=r"notes\.txt is no sound that can be read: name a WAV, FLAC"):
        endpoint.vary(serving(runtime), file, 1, 0, None)
    file = tmp_path / "long.flac"
    soundfile.write(file, np.zeros(endpoint.MOST_AUDIO, np.int16), 48_000)
    with pytest.raises(Failure, match=r"long\.flac as a WAV file has more than 3\.0 MB"):
        endpoint.vary(serving(runtime), file, 1, 0, None)
    assert not runtime.requests
