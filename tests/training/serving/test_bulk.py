"""A file of requests is answered with an archive, in which a bad line costs no other its sounds."""

import base64
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon
import numpy as np
import pytest

from sound_vae.serving.container import bulk
from sound_vae.serving.container.json_error import NotReady

Answer = Callable[..., tuple[Any, str]]
Samples = Callable[[bytes], tuple[np.ndarray, int]]
LINES, TAR = "application/jsonlines", "application/x-tar"


def lines(*requests: Any) -> bytes:
    return b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests)


@pytest.fixture
def archive(invoke: Answer) -> Callable[..., dict[str, bytes]]:
    """Send lines and read the archive, by the names in it."""

    def ask(*requests: Any) -> dict[str, bytes]:
        body, kind = invoke(lines(*requests), accept=TAR, content_type=LINES)
        assert kind == TAR
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {name: file.read() for name in tar.getnames() if (file := tar.extractfile(name))}

    return ask


def index(files: dict[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["index.jsonl"].splitlines()]


def test_every_line_has_its_sounds_and_the_index_says_which(
    archive: Callable[..., dict[str, bytes]], samples: Samples
) -> None:
    files = archive({"label": "low", "count": 3, "seed": 5}, {"from": "low", "to": "high"})
    first, second = index(files)
    assert first["line"] == 1
    assert first["sounds"][1] == {"file": "000001-0002.wav", "label": "low", "seed": 6}
    assert len(second["sounds"]) == 8
    assert second["sounds"][7]["position"] == 1
    wavs = [name for name in files if name.endswith(".wav")]
    assert len(wavs) == 11
    for name in wavs:
        sound, rate = samples(files[name])
        assert rate == 8000
        assert np.abs(sound).max() > 0.8
    assert json.loads(files["summary.json"]) == {
        "lines": 2,
        "sounds": 11,
        "refused": 0,
        "first": [],
    }


def test_a_bad_line_has_its_sentence_and_the_others_are_made(
    archive: Callable[..., dict[str, bytes]],
) -> None:
    bad = [
        {"label": "cowbell"},
        b"{",
        {"count": "two"},
        b'"seven',
        b"\xff\xfe",
        [1],
        {"audio": "?"},
    ]
    files = archive({"seed": 1}, *bad, {"seed": 2})
    said = index(files)
    assert [line["line"] for line in said] == list(range(1, 10))
    assert ["refused" in line for line in said] == [False, *[True] * 7, False]
    assert said[1]["refused"].startswith('label is "cowbell": it must be one of')
    summary = json.loads(files["summary.json"])
    assert (summary["lines"], summary["sounds"], summary["refused"]) == (9, 2, 7)
    assert summary["first"][0].startswith('line 2: label is "cowbell"')
    assert len(summary["first"]) == 3


def test_the_summary_is_found_by_a_range_of_bytes_whatever_was_said(invoke: Answer) -> None:
    bad = [{"label": "é" * 5000}] * 9
    body, _ = invoke(lines(*bad, {}), accept=TAR, content_type=LINES)
    assert json.loads(body[512:1536]) == {
        "lines": 10,
        "sounds": 1,
        "refused": 9,
        "first": json.loads(body[512:1536])["first"],
    }
    assert body[512:1536].isascii()


def test_the_same_seeds_give_the_same_bytes_as_the_endpoint_however_many_are_asked_for(
    archive: Callable[..., dict[str, bytes]], invoke: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 4)
    request = {"label": "high", "count": 10, "seed": 2**31 - 3, "temperature": 0.5}
    files = archive(request)
    answer, _ = invoke(request)
    assert [sound["seed"] for sound in index(files)[0]["sounds"]] == [
        sound["seed"] for sound in answer["sounds"]
    ]
    for number, sound in enumerate(answer["sounds"], 1):
        assert files[f"000001-{number:04}.wav"] == base64.b64decode(sound["wav"])


def test_the_same_work_is_the_same_archive(invoke: Answer) -> None:
    first, second = (invoke(lines({"seed": 3}), accept=TAR, content_type=LINES) for _ in range(2))
    assert first == second


def test_a_list_of_requests_is_a_file_too(invoke: Answer) -> None:
    requests = [{"label": "low", "seed": 1}, {"label": "high", "seed": 1}]
    written = invoke(json.dumps(requests).encode(), accept=TAR, content_type=LINES)
    assert written == invoke(lines(*requests), accept=TAR, content_type=LINES)


def test_other_programs_read_the_archive(invoke: Answer, tmp_path: Path) -> None:
    body, _ = invoke(lines({"count": 2}), accept=TAR, content_type=LINES)
    (tmp_path / "a.tar").write_bytes(body)
    listed = subprocess.run(
        ["tar", "-tf", "a.tar"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert listed == ["summary.json", "index.jsonl", "000001-0001.wav", "000001-0002.wav"]


def test_without_the_archive_the_summary_says_also_how_much_a_file_may_ask_for(
    invoke: Answer, description: dict[str, Any]
) -> None:
    answer, kind = invoke(lines({}, {"label": "?"}), accept="application/json", content_type=LINES)
    assert kind == "application/json"
    assert (answer["lines"], answer["sounds"], answer["refused"]) == (2, 1, 1)
    assert answer["most"] == bulk.ANSWER_BYTES // (44 + 2 * description["clip_samples"])


def test_a_line_beyond_the_room_of_the_answer_is_refused_and_a_later_one_may_fit(
    archive: Callable[..., dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    description: dict[str, Any],
) -> None:
    room = 5 * (44 + 2 * description["clip_samples"])
    monkeypatch.setattr(bulk, "ANSWER_BYTES", room)
    said = index(archive({"count": 3}, {"count": 3}, {"from": "low", "to": "high"}, {"count": 2}))
    assert said[1]["refused"] == (
        "count is 3, but the answer has room for 2 more sounds: put it into another file"
    )
    assert "no room for so many" in said[2]["refused"]
    assert len(said[3]["sounds"]) == 2


@pytest.mark.parametrize(
    ("body", "accept", "words"),
    [
        (b"", TAR, "holds no request"),
        (b"[]", TAR, "holds no request"),
        (b"[1,", TAR, "not JSON"),
        (b"{}", "audio/wav", "audio/wav holds one sound"),
        (b"{}", "text/html", "Accept is"),
    ],
)
def test_a_file_that_is_at_fault_as_a_whole_is_a_bad_request(
    invoke: Answer, body: bytes, accept: str, words: str
) -> None:
    with pytest.raises(falcon.HTTPBadRequest) as caught:
        invoke(body, accept=accept, content_type=LINES)
    assert words in str(caught.value)


def test_a_fault_of_the_model_server_is_none_of_a_line(
    invoke: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise NotReady(title="Model not ready", description="the model did not answer")

    monkeypatch.setattr("sound_vae.serving.container.bulk.call_model", gone)
    with pytest.raises(NotReady):
        invoke(lines({}), accept=TAR, content_type=LINES)
