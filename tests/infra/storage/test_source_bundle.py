"""The same training source gives the same archive, byte for byte, wherever and whenever."""

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra.stack import TRAINING
from infra.storage import source_bundle


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deeper").mkdir(parents=True)
    (folder / "train.py").write_text("print('training')\n")
    (folder / "deeper" / "ä.json").write_text("{}")
    return folder


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_times_owners_modes_and_place_leave_the_bytes_alone(source: Path, tmp_path: Path) -> None:
    before, before_hash = source_bundle.pack(source), source_bundle.content_hash(source)
    elsewhere = tmp_path / "elsewhere"
    for name in ("deeper/ä.json", "train.py"):  # made in another order
        (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, elsewhere / name)
        os.utime(elsewhere / name, (0, 1_000_000_000))
        (elsewhere / name).chmod(0o700)
    assert source_bundle.pack(elsewhere) == before
    assert source_bundle.content_hash(elsewhere) == before_hash


def test_caches_and_hidden_files_are_left_out(source: Path) -> None:
    before, before_hash = source_bundle.pack(source), source_bundle.content_hash(source)
    for name in ("__pycache__/train.cpython-311.pyc", ".DS_Store", "deeper/.idea/x", "old.pyc"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"noise")
    assert source_bundle.pack(source) == before
    assert source_bundle.content_hash(source) == before_hash


def test_every_change_of_a_name_or_a_content_changes_the_hash(source: Path) -> None:
    seen = {source_bundle.content_hash(source)}
    (source / "train.py").write_text("print('training') \n")
    seen.add(source_bundle.content_hash(source))
    (source / "train.py").rename(source / "train2.py")
    seen.add(source_bundle.content_hash(source))
    (source / "new.py").touch()
    seen.add(source_bundle.content_hash(source))
    assert len(seen) == 4


def test_the_archive_unpacks_flat_as_the_training_toolkit_expects() -> None:
    packed = names(source_bundle.pack(TRAINING))
    assert {"train.py", "requirements.txt", "hyperparameters.json"} <= set(packed)
    assert not any(name.startswith((".", "/")) or "__pycache__" in name for name in packed)
    assert packed == sorted(packed)


def test_without_a_network_nothing_asks_to_be_installed() -> None:
    with_, without = (
        set(names(source_bundle.pack(TRAINING, isolated=isolated))) for isolated in (False, True)
    )
    assert with_ - without == {"requirements.txt"}
    hashes = {source_bundle.content_hash(TRAINING, isolated=isolated) for isolated in (False, True)}
    assert len(hashes) == 2  # each has a place of its own in the bucket


@pytest.mark.parametrize("isolated", [False, True])
def test_a_job_without_network_finds_the_source_in_a_channel(isolated: bool) -> None:
    stack = cdk.Stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Data", "my-own-sounds")
    bundle = source_bundle.SourceBundle(
        stack, "Source", training=TRAINING, bucket=bucket, isolated=isolated
    )
    name = source_bundle.content_hash(TRAINING, isolated=isolated)
    assert bundle.url == f"s3://my-own-sounds/code/{name}/sourcedir.tar.gz"
    assert bundle.folder_url == f"s3://my-own-sounds/code/{name}/"
    assert bundle.submit_directory == (
        "/opt/ml/input/data/code/sourcedir.tar.gz" if isolated else bundle.url
    )


def test_these_bytes_do_not_depend_on_this_machine(source: Path) -> None:
    # the archive inside the compression: how well zlib packs differs between its versions
    with tarfile.open(fileobj=io.BytesIO(source_bundle.pack(source))) as archive:
        for entry in archive:
            facts = (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode)
            assert facts == (0, 0, 0, "", "", 0o644)
    assert hashlib.sha256(source_bundle.pack(source)).digest() == (
        hashlib.sha256(source_bundle.pack(source)).digest()
    )
    assert source_bundle.pack(source)[4:8] == bytes(4)  # gzip's own time stamp
