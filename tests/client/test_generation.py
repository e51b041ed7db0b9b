"""`soundvae generate`: what it asks for, what it uploads, and what it makes of archives."""

import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import generation
from client.failure import Failure


class Bucket:
    """The part of S3 that the command needs."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.read: list[str] = []

    def put_object(self, **given: Any) -> None:
        self.objects[given["Key"]] = given["Body"]

    def get_object(self, **given: Any) -> Any:
        self.read.append(given["Key"])
        return {"Body": io.BytesIO(self.objects[given["Key"]])}

    def get_paginator(self, _: str) -> Any:
        def paginate(**given: Any) -> Any:
            keys = sorted(key for key in self.objects if key.startswith(given["Prefix"]))
            return [{"Contents": [{"Key": key, "ETag": str(hash(key))} for key in keys]}]

        return SimpleNamespace(paginate=paginate)


@pytest.fixture
def s3() -> Bucket:
    return Bucket()


@pytest.fixture
def stack(s3: Bucket) -> Any:
    return SimpleNamespace(bucket="data", client=lambda _: s3)


NOTHING: dict[str, Any] = {
    "labels": [],
    "count": None,
    "requests": None,
    "resume": None,
    "seed": None,
    "temperature": None,
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"labels": ["seven=3", "a=b=20"]}, {"labels": {"seven": 3, "a=b": 20}}),
        ({"count": 5, "seed": 0}, {"count": 5, "seed": 0}),
        ({"resume": "sound-vae--a-1"}, {"resume": "sound-vae--a-1"}),
        ({"requests": "requests/a/"}, {"requests": "requests/a/"}),
    ],
)
def test_a_wish_is_said_as_an_executions_input_does(
    given: dict[str, Any], said: dict[str, Any]
) -> None:
    assert generation.wish(**{**NOTHING, **given}) == said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"labels": ["seven"]}, "write label=count"),
        ({"labels": ["=3"]}, "write label=count"),
        ({"labels": ["seven=many"]}, "write label=count"),
        ({}, "Say in one way"),
        ({"labels": ["seven=1"], "count": 2}, "Say in one way"),
    ],
)
def test_what_is_no_wish_is_one_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Failure, match=words):
        generation.wish(**{**NOTHING, **given})


def test_requests_are_split_into_files_of_some_lines_and_some_bytes() -> None:
    many = b"".join(b'{"seed": %d}\n\n' % seed for seed in range(450))
    assert [part.count(b"\n") for part in generation.split(many)] == [200, 200, 50]
    large = b'{"audio": "' + b"x" * 3_000_000 + b'"}\n'
    assert [len(part) for part in generation.split(3 * large)] == [len(large)] * 3
    assert generation.split(b"\n \n") == []


def test_a_file_of_requests_is_put_into_a_folder_of_its_content(
    stack: Any, s3: Bucket, tmp_path: Path
) -> None:
    file = tmp_path / "my wishes.jsonl"
    file.write_text('{"seed": 1}\n' * 201)
    folder = generation.upload_requests(stack, file)
    assert folder.startswith("requests/my-wishes-")
    assert sorted(s3.objects) == [f"{folder}00000.jsonl", f"{folder}00001.jsonl"]
    assert generation.upload_requests(stack, file) == folder
    file.write_text('{"seed": 2}')
    assert generation.upload_requests(stack, file) != folder


@pytest.mark.parametrize("content", [None, "", "\n\n", '{"seed": 1}\n' * 200 * 1501])
def test_a_file_that_is_no_use_is_one_sentence(
    stack: Any, s3: Bucket, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "wishes.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Failure, match="wishes"):
        generation.upload_requests(stack, file)
    assert not s3.objects


def archive(*lines: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        index = "".join(json.dumps(line) + "\n" for line in lines).encode()
        names = [sound["file"] for line in lines for sound in line.get("sounds", [])]
        for name, body in {"index.jsonl": index, **{n: n.encode() for n in names}}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return content.getvalue()


@pytest.fixture
def run(s3: Bucket) -> str:
    """Two archives of a run, with a line that was refused."""
    sounds = [{"file": "000001-0001.wav", "label": "sev/en", "seed": 1}]
    s3.objects["generated/run/sounds/00000.jsonl.out"] = archive({"line": 1, "sounds": sounds})
    s3.objects["generated/run/sounds/deep/b.jsonl.out"] = archive(
        {"line": 1, "refused": "label is wrong"},
        {"line": 2, "sounds": [{"file": "000002-0001.wav", "seed": 2}]},
    )
    s3.objects["generated/run/plan.json"] = b"{}"
    return "run"


def test_archives_become_files_by_label_and_one_index(stack: Any, run: str, tmp_path: Path) -> None:
    found = generation.archives(stack, run)
    done = list(generation.fetch(stack, run, tmp_path, found))
    assert [(one.sounds, one.refused, one.new) for one in done] == [(1, 0, True), (1, 1, True)]
    assert (tmp_path / "sev-en" / "00000-000001-0001.wav").read_text() == "000001-0001.wav"
    assert (tmp_path / "sounds" / "deep-b-000002-0001.wav").exists()
    index = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    assert index[0]["sounds"][0]["file"] == "sev-en/00000-000001-0001.wav"
    assert index[1] == {"line": 1, "refused": "label is wrong", "archive": "deep-b"}


def test_what_was_fetched_is_not_fetched_again(
    stack: Any, s3: Bucket, run: str, tmp_path: Path
) -> None:
    found = generation.archives(stack, run)
    list(generation.fetch(stack, run, tmp_path, found[:1]))
    s3.read.clear()
    done = list(generation.fetch(stack, run, tmp_path, found))
    assert s3.read == [found[1][0]]
    assert [one.new for one in done] == [False, True]
    assert len((tmp_path / "index.jsonl").read_text().splitlines()) == 3


def test_a_run_without_sounds_and_an_archive_that_is_none_are_sentences(
    stack: Any, s3: Bucket, run: str, tmp_path: Path
) -> None:
    with pytest.raises(Failure, match="There are no sounds at s3://data/generated/other/"):
        generation.archives(stack, "other")
    s3.objects["generated/run/sounds/00000.jsonl.out"] = b"no archive"
    with pytest.raises(Failure, match="is no archive of sounds"):
        list(generation.fetch(stack, run, tmp_path, generation.archives(stack, run)))


@pytest.mark.parametrize("name", ["../../evil.wav", "/evil.wav"])
def test_no_archive_writes_outside_the_folder(
    stack: Any, s3: Bucket, tmp_path: Path, name: str
) -> None:
    sounds = [{"file": name, "label": "../up"}]
    s3.objects["generated/run/sounds/a.jsonl.out"] = archive({"line": 1, "sounds": sounds})
    folder = tmp_path / "deep" / "folder"
    list(generation.fetch(stack, "run", folder, generation.archives(stack, "run")))
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.wav")] == [
        "-up/a-evil.wav"
    ]
    assert not list(tmp_path.glob("*.wav"))
