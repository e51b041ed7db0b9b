"""The folder in S3: listed page by page, fetched, and compared with what was prepared of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sound_vae.data.report import DataError
from sound_vae.data.shards.bucket import Folder, former_parts
from sound_vae.data.shards.part import Head, write_part

REGION = "us-east-1"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket="bucket")
        yield client


def test_a_listing_of_several_pages_names_every_file_with_its_etag(s3: Any) -> None:
    for number in range(1100):
        s3.put_object(Bucket="bucket", Key=f"audio/{number:04}.wav", Body=b"a")
    s3.put_object(Bucket="bucket", Key="audio/", Body=b"")
    s3.put_object(Bucket="bucket", Key="audiobooks/a.wav", Body=b"a")
    found = [file for file, _ in Folder("s3://bucket/audio/", REGION).files()]
    assert [file.name for file in found] == [f"{number:04}.wav" for number in range(1100)]
    assert {file.etag for file in found} == {"0cc175b9c0f1b6a831c399e269772661"}


def test_files_are_fetched_under_their_names(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="audio/low/a b.wav", Body=b"sound")
    folder = Folder("s3://bucket/audio/", REGION)
    folder.fetch(["low/a b.wav"], tmp_path)
    assert (tmp_path / "low" / "a b.wav").read_bytes() == b"sound"
    with pytest.raises(DataError, match="a file of s3://bucket/audio/ cannot be read"):
        folder.fetch(["gone.wav"], tmp_path)


def test_a_bucket_that_cannot_be_listed_is_a_sentence(s3: Any) -> None:
    with pytest.raises(DataError, match="s3://none/audio/ cannot be listed"):
        list(Folder("s3://none/audio/", REGION).files())


def test_only_parts_of_shards_that_are_there_and_whole_count(s3: Any, tmp_path: Path) -> None:
    for shard, size, there in (("a", 5, b"whole"), ("b", 9, b"not"), ("c", 5, None)):
        part = tmp_path / f"{shard}.tfrecord.jsonl"
        write_part(part, Head(f"{shard}.tfrecord", size), [])
        key = f"prepared/1/manifest/parts/{part.name}"
        s3.put_object(Bucket="bucket", Key=key, Body=part.read_bytes())
        if there:
            key = f"prepared/1/shards/{shard}.tfrecord"
            s3.put_object(Bucket="bucket", Key=key, Body=there)
    s3.put_object(Bucket="bucket", Key="prepared/1/manifest/framing.json", Body=b"{}")
    s3.put_object(Bucket="bucket", Key="prepared/1/manifest/stale.json", Body=b"{}")
    before = tmp_path / "before"
    parts, lost = former_parts(Folder("s3://bucket/prepared/1/", REGION), before)
    assert [part.name for part in parts] == ["a.tfrecord.jsonl"]
    assert sorted(lost) == ["b.tfrecord", "c.tfrecord"]
    assert (before / "manifest" / "framing.json").exists()
    assert not (before / "manifest" / "stale.json").exists()
