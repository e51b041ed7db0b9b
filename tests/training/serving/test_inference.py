import base64
import io
import json
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import falcon
import numpy as np
import pytest
import requests
import soundfile
import tensorflow as tf
from falcon.testing import TestClient

from local.sagemaker.python_service import python_service
from sound_vae.serving.container import answer

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


def encoded(sound: np.ndarray, rate: int, subtype: str = "PCM_16", form: str = "WAV") -> str:
    """Return base64 of a file that libsndfile wrote."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, subtype=subtype, format=form)
    return b64(file.getvalue())


def with_header(at: int, code: str, value: int) -> str:
    """Return a tone whose header has another value at a byte."""
    content = bytearray(wav())
    struct.pack_into(code, content, at, value)
    return b64(bytes(content))


ALTERNATING = np.tile([0.5, -0.5], 4096)  # half the rate, whatever the rate is


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


def test_a_json_string_that_holds_the_object_is_taken_as_the_object(invoke: Answer) -> None:
    plain, _ = invoke({"label": "low", "seed": 7})
    quoted, _ = invoke(json.dumps({"label": "low", "seed": 7}))
    assert quoted == plain
    assert invoke("{}")


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


def test_a_morphs_sounds_say_between_what_and_where_they_lie(invoke: Answer) -> None:
    sounds = invoke({"from": "low", "to": "high", "steps": 4, "seed": 1})[0]["sounds"]
    assert [sound["position"] for sound in sounds] == [0, 0.3333, 0.6667, 1]
    assert {(sound["from"], sound["to"], sound["seed"]) for sound in sounds} == {("low", "high", 1)}
    assert "label" not in sounds[0]


def test_a_pitch_is_said_and_its_latents_give_the_sound_again(
    invoke: Answer, samples: Samples
) -> None:
    request = {"label": "low", "pitch": 300, "seed": 3}
    (sound,) = invoke(request)[0]["sounds"]
    assert (sound["label"], sound["seed"], sound["pitch"]) == ("low", 3, 300)
    assert invoke(request)[0]["sounds"] == [sound]
    assert invoke({**request, "pitch": 400})[0]["sounds"][0]["wav"] != sound["wav"]
    (again,) = invoke({"z": [sound["z"]], "pitch": 300})[0]["sounds"]
    assert again["pitch"] == 300
    one, other = (samples(base64.b64decode(each["wav"]))[0] for each in (sound, again))
    np.testing.assert_allclose(one, other, atol=1e-2)


def test_a_morph_glides_from_pitch_to_pitch(invoke: Answer) -> None:
    request = {"from": "low", "to": "high", "steps": 3, "seed": 1}
    glide = invoke({**request, "pitch": [200, 800]})[0]["sounds"]
    assert [sound["pitch"] for sound in glide] == pytest.approx([200, 400, 800])
    (first,) = invoke({"label": "low", "pitch": 200, "seed": 1})[0]["sounds"]
    assert glide[0]["z"] == pytest.approx(first["z"], abs=1e-5)
    level = invoke({**request, "pitch": 300})[0]["sounds"]
    assert [sound["pitch"] for sound in level] == [300, 300, 300]


def test_a_model_without_a_vocoder_has_no_pitch(inference: ModuleType, invoke: Answer) -> None:
    inference.MODEL["pitch_range"] = None
    assert sentence(invoke, {"pitch": 440}) == (
        "pitch: this model's sounds are made without one; leave it out"
    )
    del inference.MODEL["pitch_range"]  # of an earlier version
    assert "leave it out" in sentence(invoke, {"pitch": 440})


def test_latents_and_variations_have_no_label(invoke: Answer) -> None:
    (of_latents,) = invoke({"z": [[0, 0, 0, 0]]})[0]["sounds"]
    assert set(of_latents) == {"rms", "wav", "z"}
    (variation,) = invoke({"audio": b64(wav())})[0]["sounds"]
    assert set(variation) == {"seed", "rms", "wav", "z"}


def test_an_answer_says_how_loud_each_sound_is(invoke: Answer, samples: Samples) -> None:
    for sound in invoke({"count": 3})[0]["sounds"]:
        heard, _ = samples(base64.b64decode(sound["wav"]))
        assert sound["rms"] == pytest.approx(np.sqrt(np.mean(heard**2)), abs=1e-4)


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


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_variations_take_plain_and_extensible_files(
    invoke: Answer, tone: Any, subtype: str, form: str
) -> None:
    plain = invoke({"audio": encoded(tone(600), 8000), "temperature": 0})[0]["sounds"][0]["z"]
    audio = encoded(tone(600), 8000, subtype, form)
    answer, _ = invoke({"audio": audio, "temperature": 0})
    assert answer["sounds"][0]["z"] == pytest.approx(plain, abs=0.75)  # 8 bits are rough


@pytest.mark.parametrize("silence", [0, 1.5])
def test_an_hour_gives_what_its_beginning_gives(
    invoke: Answer, tone: Any, silence: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = 1000
    hiss = np.random.default_rng(0).normal(0, 0.2, 400_000)
    hour = np.concatenate([np.zeros(round(silence * rate)), tone(200, 5, rate), hiss])
    beginning = hour[: round((silence + 1) * rate)]
    sent: list[int] = []
    post = requests.post

    def counted(uri: str, json: Any, timeout: float) -> Any:
        sent.append(len(base64.b64decode(json["inputs"]["audio_bytes"]["b64"])))
        return post(uri, json=json, timeout=timeout)

    monkeypatch.setattr(requests, "post", counted)

    def z(sound: np.ndarray) -> list[float]:
        audio = encoded(sound, rate)
        return invoke({"audio": audio, "temperature": 0})[0]["sounds"][0]["z"]

    assert z(hour) == pytest.approx(z(beginning), abs=1e-2)
    assert max(sent) < 1000  # bytes: the model's clip is a fifth of a second long


def test_a_sound_of_usual_length_reaches_the_graph_as_it_is(
    invoke: Answer, tone: Any, saved_model: Any
) -> None:
    audio = encoded(np.concatenate([np.zeros(500), tone(600, 0.2, 11_025)]), 11_025)
    direct = saved_model.signatures["variations"](
        audio_bytes=tf.constant(base64.b64decode(audio)),
        seed=tf.constant([1], tf.int64),
        temperature=tf.constant([0.0]),
    )
    z = invoke({"audio": audio, "seed": 1, "temperature": 0})[0]["sounds"][0]["z"]
    np.testing.assert_allclose(z, direct["z"].numpy()[0], atol=1e-6)


def test_a_float_file_louder_than_full_scale_is_made_quieter_not_clipped(
    invoke: Answer, tone: Any
) -> None:
    z = [
        invoke({"audio": encoded(gain * tone(600), 8000, "FLOAT"), "temperature": 0})[0]["sounds"]
        for gain in (1, 1000)
    ]
    assert z[1][0]["z"] == pytest.approx(z[0][0]["z"], abs=1e-2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "JSON string that holds no JSON object"),
        ("[1]", "JSON string that holds no JSON object"),
        (json.dumps("{}"), "JSON string that holds no JSON object"),
        (b'"' + b"[" * 100_000 + b'"', "JSON string that holds no JSON object"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "not a JSON object"),
        ("low", "JSON string that holds no JSON object"),
        (3, "not a JSON object"),
        (
            {"labels": "low"},
            'field "labels" is not known: the fields are audio, count, from, label, pitch, seed, '
            "steps, temperature, to, z",
        ),
        ({"label": "cowbell"}, 'one of "high", "low"'),
        ({"label": ""}, 'one of "high", "low"'),
        ({"label": 7}, 'label is 7: it must be one of "high", "low"'),
        ({"label": None}, "label is null: it must be one of"),
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
        ({"pitch": 0}, "pitch is 0: it must be a number of Hz from 62.5 to 1000"),
        ({"label": "low", "pitch": 1001}, "pitch is 1001"),
        ({"pitch": math.nan}, "pitch is nan"),
        ({"pitch": True}, "pitch is true"),
        ({"pitch": "a'"}, "pitch is"),
        ({"pitch": None}, "pitch is null"),
        ({"pitch": [200, 400]}, "pitch is list"),
        ({"from": "low", "to": "high", "pitch": [200]}, "in a morph it must be a number or two"),
        ({"from": "low", "to": "high", "pitch": [200, 10**400]}, "pitch is"),
        ({"z": [[0, 0, 0, 0]], "pitch": -1}, "pitch is -1"),
        ({"audio": b64(wav()), "pitch": 200}, 'field "pitch" is not possible with audio'),
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
        ({"audio": ""}, "audio is not a WAV file"),
        ({"audio": b64(b"ID3 an mp3")}, "audio is not a WAV file: PCM of 8, 16, 24 or 32 bits"),
        ({"audio": b64(b"RIFX" + wav()[4:])}, "audio is not a WAV file"),
        ({"audio": b64(b"FORM" + wav()[4:8] + b"AIFF")}, "audio is not a WAV file"),
        ({"audio": b64(wav()[:20])}, "without samples"),
        ({"audio": b64(wav()[:12] + wav()[36:])}, "does not say its format"),
        ({"audio": b64(wav()[:36])}, "without samples"),
        ({"audio": with_header(16, "<I", 2**31)}, "without samples"),
        ({"audio": with_header(20, "<H", 85)}, "16-bit format 85"),
        ({"audio": with_header(20, "<H", 3)}, "16-bit floats: PCM of 8"),
        ({"audio": with_header(34, "<H", 33)}, "33-bit PCM"),
        ({"audio": with_header(34, "<H", 40)}, "40-bit PCM"),
        ({"audio": with_header(34, "<H", 64)}, "64-bit PCM: PCM of 8, 16, 24 or 32 bits"),
        ({"audio": with_header(22, "<H", 0)}, "0 channels"),
        ({"audio": with_header(22, "<H", 2)}, "2 channels of 16 bits take 2 bytes"),
        ({"audio": encoded(np.zeros((99, 9)), 8000)}, "9 channels"),
        ({"audio": encoded(np.full(999, math.nan), 8000, "FLOAT")}, "a sample which is not a"),
        ({"audio": encoded(np.stack([ALTERNATING, -ALTERNATING], 1), 8000)}, "silent"),
        ({"audio": encoded(ALTERNATING, 44_100)}, "no sound that the model can hear"),
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


@pytest.mark.parametrize("accept", ["audio/wav", "application/json"])
def test_no_answer_holds_a_number_that_is_none(
    invoke: Answer, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    outputs = {"wav_bytes": [{"b64": b64(wav())}], "z": [[0.0, math.nan, 0.0, 0.0]]}
    answer = SimpleNamespace(status_code=200, json=lambda: {"outputs": outputs})
    monkeypatch.setattr(requests, "post", lambda *_, **__: answer)
    # what a graph that divides by the peak answers to a sound above its highest frequency
    words = "audio has no sound below half of the model's sample rate"
    assert words in sentence(invoke, {"audio": b64(wav())}, accept=accept)
    with pytest.raises(falcon.HTTPServiceUnavailable) as caught:
        invoke({}, accept=accept)
    assert "not finite" in str(caught.value)


def test_audio_wav_holds_one_sound(invoke: Answer) -> None:
    assert "one sound" in sentence(invoke, {"count": 2}, accept="audio/wav")


@pytest.mark.parametrize("length", [4, 250])
def test_the_largest_answer_stays_below_4_mb(
    inference: ModuleType, invoke: Answer, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    name = "ä" * length  # six bytes each in JSON
    monkeypatch.setitem(inference.MODEL, "labels", ["low", name])
    count = answer.max_count(inference.MODEL)
    morph = {"from": name, "to": name, "seed": 2**31 - 1, "temperature": 0}
    assert "integer from 2 to" in sentence(invoke, {**morph, "steps": count + 1})
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(b"\1\1" * inference.MODEL["clip_samples"])
    sound = {"b64": b64(file.getvalue())}
    outputs = {
        "wav_bytes": [sound] * count,
        "z": [[-1.2345678806304932e-05] * inference.MODEL["latent_dim"]] * count,
    }
    monkeypatch.setattr(inference, "call_model", lambda *_: outputs)
    body = json.dumps({**morph, "steps": count}).encode()
    context = SimpleNamespace(rest_uri="", accept_header=None, request_content_type=None)
    text, _ = inference.handler(SimpleNamespace(read=lambda: body), context)
    assert 3_000_000 < len(text) < 4_000_000


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


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: str) -> None:
    response = requests.Response()
    response.status_code, response._content = status, body.encode()
    monkeypatch.setattr(requests, "post", lambda *_, **__: response)


def test_what_the_graph_refuses_is_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer
) -> None:
    answering(monkeypatch, 400, '{"error": "assertion failed: [too odd]\\n\\t [[{{node A}}]]"}')
    assert sentence(invoke, {}) == 'the model cannot make this: "too odd"'


@pytest.mark.parametrize("status", [401, 404, 412, 429, 500, 503, 504])
def test_a_fault_of_the_model_server_is_not_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer, status: int
) -> None:
    answering(monkeypatch, status, json.dumps({"error": "out of memory"}))
    with pytest.raises(falcon.HTTPServiceUnavailable) as caught:
        invoke({})
    assert str(status) in str(caught.value)
    assert "out of memory" in str(caught.value)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"outputs": [1]}', '{"outputs": {}}'])
def test_an_answer_without_a_sound_is_not_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer, body: str
) -> None:
    answering(monkeypatch, 200, body)
    with pytest.raises(falcon.HTTPServiceUnavailable):
        invoke({})


def test_a_model_server_that_does_not_answer_is_not_the_callers_mistake(
    inference: ModuleType, monkeypatch: pytest.MonkeyPatch, invoke: Answer
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests, "post", refuse)
    with pytest.raises(falcon.HTTPServiceUnavailable):
        invoke({})
