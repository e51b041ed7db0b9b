"""Whatever is sent to the endpoint is answered at once: with a sound, or with a sentence.

The whole stack answers: the container's Python service, the handler of the starter's archive, and
over HTTP a model server with the starter's real graph.
"""

import base64
import io
import json
import math
import struct
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import soundfile
from falcon.testing import TestClient
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from werkzeug.serving import WSGIRequestHandler, make_server

from local.sagemaker.python_service import MODEL_NAME, python_service
from trust import ROOT
from trust.promise import Promise, for_all

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"
RATE = 8000  # Hz, of the starter
SECONDS = 5.0  # of the processor, for what else runs on the machine matters to the clock more


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave it out."""


@cache
def service() -> TestClient:
    """Start the stack, once for all promises; it ends with the process."""
    from local.sagemaker.tensorflow_serving import TensorFlowServing  # needs seconds

    with tempfile.TemporaryDirectory() as unpacked:
        folder = Path(unpacked)
        with tarfile.open(STARTER) as archive:
            archive.extractall(folder, filter="data")
        server = make_server(
            "127.0.0.1", 0, TensorFlowServing(folder), threaded=True, request_handler=Quiet
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}/v1/models/{MODEL_NAME}:predict"
        return TestClient(python_service(folder, uri))


class Caller:
    """Sends requests, checks the answers, and counts them."""

    def __init__(self) -> None:
        self.service = service()
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0

    def send(self, body: bytes, **headers: str) -> None:
        """Check that the answer is of one of the two kinds, and comes soon enough."""
        started = time.process_time()
        answer = self.service.simulate_post("/invocations", body=body, headers=headers)
        seconds = time.process_time() - started
        self.slowest = max(self.slowest, seconds)
        self.statuses[answer.status_code] += 1
        assert seconds < SECONDS, f"{seconds:.1f} s"
        if answer.status_code == 200:
            check_sounds(answer.content, answer.headers["content-type"])
        else:
            assert answer.status_code == 400, answer.text
            check_sentence(answer.json["description"])

    def __str__(self) -> str:
        all_of_them = self.statuses.total()
        return (
            f"{all_of_them:,} of {all_of_them:,}: {self.statuses[200]:,} with sound, "
            f"{self.statuses[400]:,} with HTTP 400 and a sentence; the slowest took "
            f"{self.slowest:.2f} s of the processor"
        )


def check_sounds(content: bytes, kind: str) -> None:
    """Check that every number is one, and that every sound can be played."""
    if kind == "audio/wav":
        assert soundfile.info(io.BytesIO(content)).samplerate == RATE
        return
    assert kind == "application/json"
    answer = json.loads(content, parse_constant=_no_number)
    assert answer["sounds"]
    for sound in answer["sounds"]:
        assert 0 <= sound["rms"] <= 1
        if "wav" in sound:
            check_sounds(base64.b64decode(sound["wav"]), "audio/wav")


def _no_number(name: str) -> None:
    raise AssertionError(f"{name} in an answer")


def check_sentence(text: str) -> None:
    """Check that it is one that a person may be shown."""
    assert text.isascii()
    assert 10 < len(text) < 1000
    assert " " in text
    assert "Error" not in text


def mostly(right: SearchStrategy[Any], wrong: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw one wrong value in ten."""
    return st.sampled_from([right] * 9 + [wrong]).flatmap(lambda chosen: chosen)


# JSON of every kind; a count beyond 3 would only take the graph longer
texts = st.text(max_size=30) | st.sampled_from(["seven", "zero", "\ud800", "{}", "1", "NaN"])
numbers = (
    st.integers(-2, 3)
    | st.integers(-(10**400), -(10**6))
    | st.integers(10**6, 10**400)
    | st.floats()
    | st.sampled_from([2**31 - 1, 2**31, 2**63, 2**64, 1e-320, 1e308])
)
values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
labels = mostly(st.sampled_from(["zero", "seven"]), st.sampled_from(["Seven", ""]) | values)
rows = mostly(
    st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=40),
    st.lists(st.floats(-3, 3) | numbers, min_size=39, max_size=41),
)
temperatures = mostly(st.floats(0, 2), values)
seeds = mostly(st.integers(0, 2**31 - 1), values)
hertz = st.floats(62.5, 1000)  # what the starter can make
pitches = mostly(hertz, values)
glides = mostly(hertz | st.lists(hertz, min_size=2, max_size=2), values)
requests = st.fixed_dictionaries(
    {},
    optional={
        "label": labels,
        "count": mostly(st.integers(1, 3), values),
        "temperature": temperatures,
        "seed": seeds,
        "pitch": pitches,
    },
)
morphs = st.fixed_dictionaries(
    {"from": labels, "to": labels, "steps": mostly(st.integers(2, 4), values)},
    optional={"temperature": temperatures, "seed": seeds, "pitch": glides},
)
latents = st.fixed_dictionaries(
    {"z": mostly(st.lists(rows, min_size=1, max_size=3), values)}, optional={"pitch": pitches}
)
unknown = st.dictionaries(st.sampled_from(["labl", "audio", "z", "to"]) | texts, values, max_size=3)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON that is nearly right, JSON that is not, and no JSON."""
    text = json.dumps(draw(mostly(requests | morphs | latents, unknown | values)))
    forms = ["plain", "plain", "plain", "string", "string", "twice", "cut", "other"]
    form = draw(st.sampled_from(forms))
    if form == "string":
        text = json.dumps(text)
    elif form == "twice" and text.startswith("{") and text != "{}":
        text = f"{text[:-1]}, {text[1:]}"
    elif form == "cut":
        text = text[: draw(st.integers(0, len(text)))]
    elif form == "other":
        return draw(st.binary(max_size=60) | st.integers(1, 5000).map(lambda n: b"[" * n))
    return text.encode(draw(mostly(st.just("utf-8"), st.sampled_from(["utf-8-sig", "utf-16"]))))


parameters = st.sampled_from(["q=0", "q=1", "q=0.5", "q=nan", "q=-1", "wav=no", "charset=utf-8"])
kinds = st.sampled_from(
    ["application/json", "audio/wav", "audio/*", "*/*", "text/html", "AUDIO/WAV", "application/*"]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
media = st.builds(
    lambda kind, more: ";".join([kind, *more]), kinds, st.lists(parameters, max_size=3)
)
accepts = st.lists(media, max_size=4).map(",".join)


@st.composite
def sounds(draw: st.DrawFn) -> bytes:
    """Make a WAV file of any format, in most cases a right one."""
    kind = draw(mostly(st.sampled_from([1, 1, 3, 0xFFFE]), st.integers(0, 65_535)))
    widths = st.just(32) if kind == 3 else st.sampled_from([8, 16, 24, 32])
    bits = draw(mostly(widths, st.integers(0, 65)))
    channels = draw(mostly(st.integers(1, 8), st.integers(0, 65_535)))
    rate = draw(mostly(st.integers(1000, 384_000), st.integers(0, 2**32 - 1)))
    frame = channels * bits // 8 % 65_536
    data = draw(st.binary(min_size=1, max_size=64)) * draw(st.sampled_from([1, 30, 1000, 3000]))
    header = struct.pack("<HHIIHH", kind, channels, rate, rate * frame % 2**32, frame, bits)
    if kind == 0xFFFE:
        guid = bytes.fromhex("00000000100080000000AA00389B71")
        inner = draw(mostly(st.just(1), st.sampled_from([0, 3, 7])))
        header += struct.pack("<HHIB", 22, bits, 0, inner) + guid
    chunks = b"fmt " + struct.pack("<I", len(header)) + header
    if draw(st.booleans()):
        chunks += b"LIST\3\0\0\0abc\0"
    size = draw(mostly(st.just(len(data)), st.sampled_from([0, len(data) + 1, 2**31, 2**32 - 1])))
    chunks += b"data" + struct.pack("<I", size) + data
    magic = draw(mostly(st.just(b"RIFF"), st.sampled_from([b"RIFX", b"RF64", b"FORM"])))
    return magic + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Change a few bytes of a right WAV file, mostly of its header, or its end."""
    content = bytearray(draw(right_files))
    sizes = st.sampled_from([4, 16, content.index(b"data") + 4])
    lies = st.sampled_from([0, 1, 15, 17, 40, 2**31, 2**32 - 2]) | st.integers(0, 2**32 - 1)
    for at, lie in draw(st.lists(st.tuples(sizes, lies), max_size=2)):
        struct.pack_into("<I", content, at, lie)
    for at, byte in draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 255)), max_size=1)):
        content[at] = byte
    for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=1)):
        content[at] ^= 0xFF
    end = draw(mostly(st.just(len(content)), st.integers(0, len(content))))
    return bytes(content[:end])


def right_file(subtype: str, form: str, rate: int) -> bytes:
    """Write a file with a writer that is not ours."""
    file = io.BytesIO()
    samples = [[math.sin(at / 3) / 2, math.sin(at / 7) / 2] for at in range(2000)]
    soundfile.write(file, samples, rate, subtype=subtype, format=form)
    return file.getvalue()


right_files = st.builds(
    right_file,
    st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    mostly(st.just("WAV"), st.just("WAVEX")),
    st.sampled_from([8000, 44_100, 1000]),
)


def _checked(
    strategy: SearchStrategy[Any], send: Callable[[Caller, Any], None]
) -> Callable[[int], str]:
    def check(attempts: int) -> str:
        caller = Caller()
        for_all(strategy, lambda drawn: send(caller, drawn), attempts)
        return str(caller)

    return check


def _send_body(caller: Caller, body: bytes) -> None:
    caller.send(body)


def _send_headers(caller: Caller, drawn: tuple[str, str, int]) -> None:
    accept, kind, count = drawn
    headers = {"Accept": accept, "Content-Type": kind}
    caller.send(json.dumps({"count": count}).encode(), **headers)


def _send_sound(caller: Caller, drawn: tuple[bytes, str]) -> None:
    content, accept = drawn
    body = {"audio": base64.b64encode(content).decode(), "temperature": 0}
    caller.send(json.dumps(body).encode(), Accept=accept)


accepted = st.sampled_from(["application/json", "audio/wav"])
HOW = (
    "Made-up {} to the serving container's handler, falcon, a model server and the starter's graph"
)
PROMISES = [
    Promise(
        "Any body is answered with sounds or with one sentence, without HTTP 500 or NaN.",
        HOW.format("JSON, nearly right or wrong, and bytes that are none"),
        4000,
        _checked(bodies(), _send_body),
    ),
    Promise(
        "So are any Accept and Content-Type.",
        HOW.format("headers"),
        2000,
        _checked(
            st.tuples(accepts, mostly(st.just("application/json"), media), st.integers(1, 2)),
            _send_headers,
        ),
    ),
    Promise(
        "So is any WAV file to vary.",
        HOW.format("files of any format, width, rate, number of channels and length"),
        2000,
        _checked(st.tuples(sounds(), accepted), _send_sound),
    ),
    Promise(
        "So is any damaged one.",
        HOW.format("files of other programs, of which bytes were changed or left out,"),
        2000,
        _checked(st.tuples(mutated(), accepted), _send_sound),
    ),
]
