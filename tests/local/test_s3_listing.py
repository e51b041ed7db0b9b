"""Pages of a bucket's listing follow each other as S3's do, however many there are."""

from typing import Any

import pytest

from tests.local.deployment import Client

BUCKET = "many-objects"
KEYS = [
    f"audio/{name}" for name in ("a b.wav", "a/b.wav", "a.wav", "B.wav", "\u00e9.wav", "a#.wav")
]


@pytest.fixture(scope="module")
def s3(client: Client) -> Any:
    api = client("s3")
    api.create_bucket(Bucket=BUCKET)
    versions = {"Status": "Enabled"}
    api.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versions)
    for key in [*KEYS, "audio/gone.wav", "code/x", "output/y"]:
        api.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    api.delete_object(Bucket=BUCKET, Key="audio/gone.wav")  # leaves a marker
    return api


@pytest.mark.parametrize("size", [1, 2, 5, 6, 1000])
def test_all_objects_below_a_prefix_are_listed_in_order_and_once(s3: Any, size: int) -> None:
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix="audio/", PaginationConfig={"PageSize": size}
        )
    )
    listed = [item["Key"] for page in pages for item in page["Contents"]]
    assert listed == sorted(KEYS, key=str.encode)
    assert [page["IsTruncated"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert all(page["KeyCount"] == len(page["Contents"]) <= size for page in pages)


def test_a_listing_begins_after_a_key(s3: Any) -> None:
    after = s3.list_objects_v2(Bucket=BUCKET, StartAfter="audio/a.wav")["Contents"]
    assert [item["Key"] for item in after] == [
        "audio/a/b.wav",
        "audio/\u00e9.wav",
        "code/x",
        "output/y",
    ]
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="nothing/")


def test_folders_are_listed_as_before(s3: Any) -> None:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix="audio/", Delimiter="/")
    assert [folder["Prefix"] for folder in found["CommonPrefixes"]] == ["audio/a/"]
    assert found["KeyCount"] == len(KEYS)
