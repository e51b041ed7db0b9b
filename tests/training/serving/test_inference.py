import base64
import io
import json
import math
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import falcon
import numpy as np
import pytest
import requests
from falcon.testing import TestClient

from local.model_server import python_service

Answer = Callable[..., tuple[Any, str]]
Samples = Callable[[bytes], tuple[np.ndarray, int]]


def wav(width: int = 2, rate: int = 8000, channels: int = 1, gain: float = 0.5) -> bytes:
    """Return a tone as PCM of 1 to 4 bytes a sample."""
    t = np.arange(rate // 5) / rate
    values = gain * np.sin(2 * np.pi * 600 * t) * (2 ** (8 * width - 1) - 1)
    values = np.repeat(values.astype(np.int64), channels)
    if width == 1:
        frames = (values + 128).astype(np.uint8).tobytes()
    else:
        frames = values.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(frames)
    return file.getvalue()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def sentence(invoke: Answer, body: Any, **headers: Any) -> str:
    with pytest.raises(falcon.HTTPBadRequest) as caught:
        invoke(body, **headers)
    assert caught.value.status == falcon.HTTP_400
    text = str(caught.value)
    assert text.isascii()
    assert len(text) < 1000
    return text


def test_accept_audio_wav_answers_a_file_to_play(invoke: Answer, samples: Samples) -> None:
    body, kind = invoke({"label": "low", "seed": 42}, accept="audio/wav")
    assert kind == "audio/wav"
    sound, rate = samples(body)
    assert rate == 8000
    assert np.abs(sound).max() > 0.8


@pytest.mark.parametrize(
    "accept",
    [
        "audio/wav, application/json;q=0.1",
        "*/*;q=0.5, audio/x-wav",
        "application/json;q=0, audio/*",
    ],
)
def test_the_preferred_of_several_media_types_is_answered(invoke: Answer, accept: str) -> None:
    assert invoke({}, accept=accept)[1] == "audio/wav"


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json", "text/html, */*;q=0.1"])
def test_anything_else_answers_json(invoke: Answer, accept: str | None) -> None:
    body, kind = invoke({"label": "high", "count": 3, "seed": 5}, accept=accept)
    assert kind == "application/json"
    assert body["sample_rate"] == 8000
    assert [sound["label"] for sound in body["sounds"]] == ["high"] * 3
    assert [sound["seed"] for sound in body["sounds"]] == [5, 6, 7]
    assert all(base64.b64decode(sound["wav"])[:4] == b"RIFF" for sound in body["sounds"])
    assert all(len(sound["z"]) == 4 for sound in body["sounds"])


@pytest.mark.parametrize("body", [{}, b"", b"  "])
def test_an_empty_request_is_one_sound_of_any_label(invoke: Answer, body: Any) -> None:
    answer, _ = invoke(body, content_type=None)
    assert len(answer["sounds"]) == 1
    assert answer["sounds"][0]["label"] in {"low", "high"}


def test_without_a_seed_every_sound_is_another(invoke: Answer) -> None:
    first, second = (invoke({"label": "low"})[0]["sounds"][0] for _ in range(2))
    assert first["z"] != second["z"]


def test_the_answers_seed_and_latents_give_the_sound_again(
    invoke: Answer, samples: Samples
) -> None:
    sound = invoke({"label": "low"})[0]["sounds"][0]
    by_seed = invoke({"label": "low", "seed": sound["seed"]})[0]["sounds"][0]
    assert by_seed["wav"] == sound["wav"]
    by_latents = invoke({"z": [sound["z"]]})[0]["sounds"][0]
    assert by_latents["z"] == pytest.approx(sound["z"], abs=1e-6)
    one, other = (samples(base64.b64decode(each["wav"]))[0] for each in (sound, by_latents))
    np.testing.assert_allclose(one, other, atol=1e-2)


def test_a_morph_has_as_many_sounds_as_steps(invoke: Answer) -> None:
    answer, _ = invoke({"from": "low", "to": "high", "steps": 4, "seed": 1})
    assert len(answer["sounds"]) == 4
    assert len(invoke({"from": "low", "to": "low"})[0]["sounds"]) == 8


def test_an_answer_says_how_loud_each_sound_is(invoke: Answer, samples: Samples) -> None:
    for sound in invoke({"count": 3})[0]["sounds"]:
        heard, _ = samples(base64.b64decode(sound["wav"]))
        assert sound["rms"] == pytest.approx(np.sqrt(np.mean(heard**2)), abs=1e-4)


def test_silence_is_of_no_loudness(inference: ModuleType) -> None:
    assert inference.rms(wav(gain=0)) == 0
    assert inference.rms(wav(gain=1)) == pytest.approx(math.sqrt(0.5), abs=1e-3)


def test_wav_no_leaves_out_what_is_large(invoke: Answer) -> None:
    body, kind = invoke({"label": "low", "seed": 42}, accept="application/json; wav=no")
    assert kind == "application/json"
    (sound,) = body["sounds"]
    assert set(sound) == {"label", "seed", "rms"}
    assert sound["rms"] > 0.01


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_variations_take_pcm_of_any_width(invoke: Answer, width: int, channels: int) -> None:
    plain = invoke({"audio": b64(wav()), "temperature": 0})[0]["sounds"][0]["z"]
    audio = b64(wav(width, 22_050, channels))
    answer, _ = invoke({"audio": audio, "count": 2, "temperature": 0})
    assert len(answer["sounds"]) == 2
    # labels lie 5 apart in latent space; resampling moves a sound by a fraction of that
    assert answer["sounds"][0]["z"] == pytest.approx(plain, abs=0.75)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "not a JSON object"),
        ("low", "not a JSON object"),
        (3, "not a JSON object"),
        ({"labels": "low"}, "labels"),
        ({"label": "cowbell"}, "one of high, low"),
        ({"label": ""}, "one of high, low"),
        ({"label": 7}, "label is 7"),
        ({"label": None}, "label"),
        ({"label": ["low"]}, "label"),
        ({"label": "\ud800"}, "label"),
        ({"label": "x" * 10_000}, "label"),
        ({"count": 0}, "count is 0: it must be an integer from 1 to"),
        ({"count": True}, "count is true"),
        ({"count": 1.5}, "count is 1.5"),
        ({"count": "3"}, 'count is "3"'),
        ({"count": 10**400}, "count"),
        ({"count": None}, "count is null"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"seed": False}, "seed is false"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature is 2.1: it must be a number from 0 to 2"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"temperature": True}, "temperature is true"),
        ({"temperature": "hot"}, "temperature"),
        ({"from": "low"}, "to is missing"),
        ({"to": "low"}, "from is missing"),
        ({"steps": 4}, "from is missing"),
        ({"from": "low", "to": "cowbell"}, "to is"),
        ({"from": "low", "to": "high", "steps": 1}, "steps"),
        ({"from": "low", "to": "high", "count": 2}, "count"),
        ({"z": []}, "z must be a list"),
        ({"z": [0, 0, 0, 0]}, "entry 0"),
        ({"z": [[0, 0, 0]]}, "lists of 4 finite numbers"),
        ({"z": [[[0], 0, 0, 0]]}, "entry 0 holds list"),
        ({"z": [[0, 0, 0, 0], [0, 0, 0, math.nan]]}, "entry 1 holds nan"),
        ({"z": [[0, 0, 0, 10**400]]}, "entry 0"),
        ({"z": [[0, 0, 0, True]]}, "entry 0 holds true"),
        ({"z": [[0, 0, 0, "0"]]}, "entry 0"),
        ({"z": "0000"}, "z must be a list"),
        ({"z": [[0, 0, 0, 0]], "seed": 1}, "seed"),
        ({"audio": 3}, "audio must be a string"),
        ({"audio": "%%%"}, "audio is not base64"),
        ({"audio": "ä"}, "audio is not base64"),
        ({"audio": ""}, "audio is not a PCM WAV file"),
        ({"audio": b64(b"ID3 an mp3")}, "audio is not a PCM WAV file"),
        ({"audio": b64(wav()[:20])}, "audio is not a PCM WAV file"),
        ({"audio": b64(wav()[:44])}, "audio is empty or silent"),
        ({"audio": b64(wav(gain=0))}, "audio is empty or silent"),
        ({"audio": b64(wav(gain=1 / 20_000))}, "silent"),
        ({"audio": b64(wav(rate=500))}, "500 Hz"),
        ({"audio": b64(wav()), "label": "low"}, "label"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_request_is_a_sentence_that_names_the_field(
    invoke: Answer, body: Any, words: str
) -> None:
    assert words in sentence(invoke, body)


def test_a_truncated_wav_is_used_as_far_as_it_goes(invoke: Answer) -> None:
    assert len(invoke({"audio": b64(wav()[:1001])})[0]["sounds"]) == 1


@pytest.mark.parametrize("kind", ["text/plain", "audio/wav", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(invoke: Answer, kind: str) -> None:
    assert "application/json" in sentence(invoke, {}, content_type=kind)


def test_a_charset_in_the_content_type_is_fine(invoke: Answer) -> None:
    assert invoke({}, content_type="application/json; charset=utf-8")


def test_another_accept_names_the_two_that_work(invoke: Answer) -> None:
    text = sentence(invoke, {}, accept="text/html")
    assert "audio/wav" in text
    assert "application/json" in text


def test_audio_wav_holds_one_sound(invoke: Answer) -> None:
    assert "one sound" in sentence(invoke, {"count": 2}, accept="audio/wav")


def test_the_largest_answer_stays_below_4_mb(
    inference: ModuleType, invoke: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "integer from 1 to" in sentence(invoke, {"count": inference.max_count() + 1})
    count = inference.max_count()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(b"\1\1" * inference.MODEL["clip_samples"])
    sound = {"b64": b64(file.getvalue())}
    outputs = {
        "wav_bytes": [sound] * count,
        "z": [[-1.2345678806304932e-05] * inference.MODEL["latent_dim"]] * count,
        "label": ["high"] * count,
    }
    monkeypatch.setattr(inference, "call_model", lambda *_: outputs)
    body = json.dumps({"count": count}).encode()
    context = SimpleNamespace(rest_uri="", accept_header=None, request_content_type=None)
    answer, _ = inference.handler(SimpleNamespace(read=lambda: body), context)
    assert 3_500_000 < len(answer) < 4_000_000


@pytest.mark.parametrize("accept", ["audio/wav", "application/json", "text/html"])
def test_the_sentence_reaches_the_caller_whatever_it_accepts(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    client = TestClient(python_service(model_dir, "http://127.0.0.1:1/none"))

    def post(body: dict[str, Any], status: str) -> str:
        answer = client.simulate_post("/invocations", json=body, headers={"Accept": accept})
        assert answer.status == status
        assert answer.headers["content-type"] == "application/json"
        return answer.json["description"]

    words = "Accept is" if accept == "text/html" else "label"
    assert words in post({"label": "cowbell"}, falcon.HTTP_400)

    def refuse(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests, "post", refuse)
    if accept != "text/html":
        assert "did not answer" in post({}, falcon.HTTP_503)


def test_a_model_without_labels_says_so(inference: ModuleType, invoke: Answer) -> None:
    inference.MODEL["labels"] = []
    assert "without labels" in sentence(invoke, {"label": "low"})
    assert "without labels" in sentence(invoke, {"from": "low", "to": "high"})


def test_what_the_graph_refuses_is_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer
) -> None:
    answer = SimpleNamespace(status_code=400, json=lambda: {"error": "too odd"})
    monkeypatch.setattr(inference.requests, "post", lambda *_, **__: answer)
    assert "too odd" in sentence(invoke, {})


def test_a_model_server_that_does_not_answer_is_not_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise inference.requests.ConnectionError("refused")

    monkeypatch.setattr(inference.requests, "post", refuse)
    with pytest.raises(falcon.HTTPServiceUnavailable):
        invoke({})
