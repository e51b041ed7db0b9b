import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from client.failure import Failure
from client.sounds import WAITING, Folder, Skipped, listed, upload
from client.stack import Connection, Stack

numbers = itertools.count()


def write(file: Path, hertz: float = 300.0) -> None:
    file.parent.mkdir(exist_ok=True)
    time = np.arange(2000) / 8000
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * hertz * time), 8000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, number in itertools.product(("high", "low"), range(3)):
        write(tmp_path / label / f"{number}.wav", 200 + 100 * number)
    (tmp_path / "notes.txt").write_text("not a sound")
    (tmp_path / "low" / "broken.wav").write_bytes(b"RIFF")
    return tmp_path


@pytest.fixture
def stack(connection: Connection) -> Stack:
    name = f"bucket-{next(numbers)}"
    connection.client("s3").create_bucket(Bucket=name)
    return Stack(connection, "SoundVae", {"BucketName": name})


def test_a_folder_is_read_as_the_job_will_read_it(folder: Path) -> None:
    read = Folder.read(folder)
    names = [f"{label}/{n}.wav" for label in ("high", "low") for n in range(3)]
    assert list(read.names) == list(read.names) == names  # they can be read again
    assert len(read.names) == read.clips == 6
    assert (read.labels, read.sample_rate) == ({"high": 3, "low": 3}, 8000)
    assert Skipped(".txt is not a sound", 1, ["notes.txt"]) in read.skipped
    assert {name for why in read.skipped for name in why.names} == {"notes.txt", "low/broken.wav"}
    assert read.files_skipped == 2


def test_what_cannot_be_trained_on_is_the_jobs_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"is empty: put \.wav, .* or \.aiff files there"):
        Folder.read(tmp_path)
    with pytest.raises(Failure, match="nowhere is not a folder: name the one"):
        Folder.read(tmp_path / "nowhere")


def test_files_are_sent_once_and_again_when_they_change(folder: Path, stack: Stack) -> None:
    names = ["high/0.wav", "low/1.wav"]
    assert [sent.new for sent in upload(stack, folder, names)] == [True, True]
    assert [sent.new for sent in upload(stack, folder, names)] == [False, False]
    write(folder / "low/1.wav", 1000)
    assert {s.name: s.new for s in upload(stack, folder, names)} == {
        "high/0.wav": False,
        "low/1.wav": True,
    }
    kept = stack.client("s3").get_object(Bucket=stack.bucket, Key="audio/low/1.wav")
    assert kept["Body"].read() == (folder / "low/1.wav").read_bytes()


def test_an_upload_that_was_cut_short_goes_on_where_it_was(folder: Path, stack: Stack) -> None:
    names = list(Folder.read(folder).names)
    begun = upload(stack, folder, names[:3])
    next(begun)
    begun.close()  # as Ctrl-C does
    outcomes = list(upload(stack, folder, names))
    assert not all(sent.new for sent in outcomes)
    assert {sent.name for sent in outcomes} == set(names)


class OfAKmsKey:
    """A bucket encrypted with a KMS key: its ETags are no MD5, checksums are kept as sent."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def get_paginator(self, _: str) -> "OfAKmsKey":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        listed = [{"Key": k, "ETag": '"7f3a"', "Size": o["size"]} for k, o in self.kept.items()]
        return [{"Contents": listed}]

    def put_object(self, Bucket: str, Key: str, Body: bytes, ChecksumSHA256: str) -> None:  # noqa: N803
        self.kept[Key] = {"size": len(Body), "sum": ChecksumSHA256}

    def head_object(self, Bucket: str, Key: str, ChecksumMode: str) -> dict[str, str]:  # noqa: N803
        assert ChecksumMode == "ENABLED"
        return {"ChecksumSHA256": self.kept[Key]["sum"]}


def test_an_object_whose_etag_is_no_md5_is_known_by_its_checksum(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = OfAKmsKey()
    monkeypatch.setattr(Stack, "client", lambda self, api: bucket)
    stack = Stack(Connection(), "SoundVae", {"BucketName": "b"})
    assert [sent.new for sent in upload(stack, folder, ["high/0.wav"])] == [True]
    assert [sent.new for sent in upload(stack, folder, ["high/0.wav"])] == [False]
    write(folder / "high/0.wav", 1000)
    assert [sent.new for sent in upload(stack, folder, ["high/0.wav"])] == [True]


def test_what_else_lies_there_is_told(folder: Path, stack: Stack) -> None:
    stack.client("s3").put_object(Bucket=stack.bucket, Key="audio/old.wav", Body=b"x")
    list(upload(stack, folder, ["high/0.wav"]))
    there = listed(stack)
    list(upload(stack, folder, ["high/0.wav", "high/1.wav"], there))
    assert (len(there), there.first()) == (1, "audio/old.wav")


def test_a_file_that_vanishes_is_one_sentence(folder: Path, stack: Stack) -> None:
    with pytest.raises(Failure, match=r"gone\.wav cannot be read any more"):
        list(upload(stack, folder, ["gone.wav"]))


def test_a_long_recording_is_one_file_and_many_clips(tmp_path: Path) -> None:
    tone = np.sin(np.arange(4000) / 4) * np.exp(-np.arange(4000) / 1000)
    soundfile.write(tmp_path / "C#4_1.wav", np.tile(np.append(tone, np.zeros(4000)), 40), 8000)
    soundfile.write(tmp_path / "C#4_2.wav", tone, 8000)
    read = Folder.read(tmp_path)
    assert list(read.names) == ["C#4_1.wav", "C#4_2.wav"]
    assert (read.clips, read.labels) == (41, {"C#4": 41})
    assert any("cut into 40 clips" in warning for warning in read.warnings)


def test_a_large_file_is_sent_from_the_disk(
    folder: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = np.random.default_rng(0).bytes(3_000_000)
    (folder / "large.wav").write_bytes(content)
    assert [sent.new for sent in upload(stack, folder, ["large.wav"])] == [True]
    assert [sent.new for sent in upload(stack, folder, ["large.wav"])] == [False]
    kept = stack.client("s3").get_object(Bucket=stack.bucket, Key="audio/large.wav")
    assert kept["Body"].read() == content
    monkeypatch.setattr("client.sounds.MOST_GB", 0.002)
    (folder / "large.wav").write_bytes(content + b"0")
    with pytest.raises(Failure, match=r"large\.wav has 0\.0 GB, and at most 0\.002 are sent"):
        list(upload(stack, folder, ["large.wav"]))


def test_very_many_files_wait_in_turn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = OfAKmsKey()
    monkeypatch.setattr(Stack, "client", lambda self, api: bucket)
    asked: list[str] = []

    def names() -> Iterator[str]:
        for number in range(1000):
            asked.append(str(number))
            yield "high/0.wav"

    outcomes = upload(Stack(Connection(), "SoundVae", {"BucketName": "b"}), folder, names())
    next(outcomes)
    assert len(asked) <= 2 * WAITING
    assert sum(1 for _ in outcomes) == 999
