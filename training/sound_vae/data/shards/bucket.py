"""The folder of sounds in S3, as a plan needs it: listed, and some of its files fetched."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sound_vae.data.report import DataError
from sound_vae.data.shards.layout import FRAMING, MANIFEST, PARTS, SHARDS
from sound_vae.data.shards.part import read_head
from sound_vae.data.shards.planning import Listed

FETCHERS = 32  # files at the same time


class Folder:
    """What lies below s3://bucket/prefix, which ends in a slash."""

    def __init__(self, url: str, region: str | None = None) -> None:
        self.url = url
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")
        retries = Config(
            retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=FETCHERS
        )
        self._s3: Any = boto3.client("s3", region_name=region, config=retries)

    def files(self, below: str = "") -> Iterator[tuple[Listed, int]]:
        """Yield every object below a folder of it with its size, a page of a listing at a time.

        S3 lists a general purpose bucket in the order of the keys' UTF-8 bytes
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
        """
        prefix = self.prefix + below
        try:
            pages = self._s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    if not item["Key"].endswith("/"):  # a folder, as the console makes them
                        name = item["Key"].removeprefix(prefix)
                        yield Listed(name, item["ETag"].strip('"')), item["Size"]
        except (BotoCoreError, ClientError) as error:
            raise DataError(f"{self.url}{below} cannot be listed: {error}") from error

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        """Bring files into a folder, below which they keep their names."""

        def bring(name: str) -> None:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                self._s3.download_fileobj(self.bucket, self.prefix + name, file)

        with ThreadPoolExecutor(FETCHERS) as pool:
            try:
                for _ in pool.map(bring, names):
                    pass
            except (BotoCoreError, ClientError) as error:
                raise DataError(f"a file of {self.url} cannot be read: {error}") from error


def former_parts(prepared: Folder, folder: Path) -> tuple[list[Path], list[str]]:
    """Fetch the parts whose shards are there and whole, and framing.json if there is one.

    The second list names the other shards: somebody deleted them, say.
    """
    sizes = {file.name: size for file, size in prepared.files(f"{SHARDS}/")}
    manifest = [file.name for file, _ in prepared.files(f"{MANIFEST}/")]
    wanted = [name for name in manifest if name == FRAMING or name.startswith(f"{PARTS}/")]
    prepared.fetch([f"{MANIFEST}/{name}" for name in wanted], folder)
    parts, lost = [], []
    for name in wanted:
        if name == FRAMING:
            continue
        head = read_head(folder / MANIFEST / name)
        if sizes.get(head.shard) == head.size:
            parts.append(folder / MANIFEST / name)
        else:
            lost.append(head.shard)
    return parts, lost
