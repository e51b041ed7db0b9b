"""What lies in the bucket, in a file here: a listing of any length takes little memory."""

import sqlite3
from typing import Any, NamedTuple

CACHE_KB = 8192  # of the file that are kept in memory


class Found(NamedTuple):
    """An object in the bucket."""

    size: int  # bytes
    etag: str


class Listing:
    """All objects below a prefix, by their keys.

    listing = Listing(s3, bucket, "audio/")
    listing.take("audio/a.wav")    # what it is, and None when it is asked for again
    len(listing), listing.first()    # those that nobody has asked for
    """

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        # in a temporary file that goes with the connection: sqlite.org/inmemorydb.html
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._table.execute(
            "CREATE TABLE objects (key TEXT PRIMARY KEY, size INTEGER, etag TEXT) WITHOUT ROWID"
        )
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            self._table.execute("BEGIN")
            self._table.executemany(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)",
                ((o["Key"], o["Size"], o["ETag"].strip('"')) for o in page.get("Contents", [])),
            )
            self._table.execute("COMMIT")

    def take(self, key: str) -> Found | None:
        """Take an object out of the listing; None when it is not there."""
        wanted = "FROM objects WHERE key = ?"
        row = self._table.execute(f"SELECT size, etag {wanted}", (key,)).fetchone()
        if row:
            self._table.execute(f"DELETE {wanted}", (key,))
        return Found(*row) if row else None

    def __len__(self) -> int:
        return int(self._table.execute("SELECT count(*) FROM objects").fetchone()[0])

    def first(self) -> str:
        """Give the first key in order; there must be one."""
        return str(self._table.execute("SELECT min(key) FROM objects").fetchone()[0])
