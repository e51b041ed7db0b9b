"""What every file costs: memory and time for each, and so for ten million of them.

    python -m benchmarks.many_files                          all of it, as a table; ten minutes
    python -m benchmarks.many_files --work list --files 200000

The sounds are made up: eight of a tenth of a second under very many names, which take no room on
the disk, and keys of objects that nobody has sent. Each measurement is from a process of its own,
and what a process takes before it sees a file does not count.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import ROOT
from benchmarks.measurement import Section, fresh_peak, peak_mib

MANY = 10_000_000
RATE = 8000  # Hz
TAKES, SECONDS = 8, 0.1
LINKS = 60_000  # names that one file may have; ext4 allows 65,000
LABELS = 100
PAGES_AT_ONCE = 1000  # keys, of a listing in S3


@dataclass(frozen=True)
class Cost:
    """What so many files took."""

    files: int
    seconds: float
    peak_bytes: float

    def cells(self) -> tuple[str, ...]:
        """Return what one file takes, and ten million."""
        seconds, bytes_ = self.seconds / self.files, self.peak_bytes / self.files
        return (
            f"{self.files:,}",
            f"{bytes_:,.0f} B",
            f"{1e6 * seconds:,.1f} µs",
            f"{MANY * bytes_ / 2**30:,.1f} GiB",
            _time(MANY * seconds),
        )


def list_folder(folder: Path, files: int) -> Cost:
    """List a folder in LABELS sub-folders."""
    from sound_vae.data.folder import visible_files

    _many(folder, files)
    return _cost(files, lambda: visible_files(folder))


def list_flat(folder: Path, files: int) -> Cost:
    """List a folder without sub-folders."""
    from sound_vae.data.folder import visible_files

    _many(folder, files, flat=True)
    return _cost(files, lambda: visible_files(folder))


def read(folder: Path, files: int) -> Cost:
    """Read all sounds, as before their spectrograms are made."""
    from sound_vae.data.contents import read_contents

    _many(folder / "few", 20)
    read_contents(folder / "few")  # loads what it takes
    _many(folder / "many", files)
    return _cost(files, lambda: read_contents(folder / "many"))


def skip(folder: Path, files: int) -> Cost:
    """Read a folder of a few sounds, and very many files that are none."""
    from sound_vae.data.contents import read_contents

    _many(folder / "few", 20)
    read_contents(folder / "few")
    _many(folder / "many", 20)
    _many(folder / "many", files, suffix=".json")
    return _cost(files, lambda: read_contents(folder / "many"))


def split(_: Path, files: int) -> Cost:
    """Divide into training and validation clips."""
    from dataclasses import replace

    from sound_vae.data.dataset import Dataset
    from sound_vae.model.spectrogram import Transform

    data = Dataset.of(np.zeros((files, 1, 1), np.float16), Transform.choose(RATE, SECONDS))
    names: Any = [_name(number) for number in range(files)]
    with contextlib.suppress(ImportError):
        from sound_vae.data.names import Names

        names = Names(names)
    data = replace(data, names=names)
    return _cost(files, lambda: data.split(0.1))


def fingerprint(_: Path, files: int) -> Cost:
    """Tell a checkpoint's data from other data, by their names."""
    from dataclasses import replace

    from sound_vae.data.dataset import Dataset
    from sound_vae.fit.checkpoint import fingerprint
    from sound_vae.model.spectrogram import Transform

    data = Dataset.of(np.zeros((files, 1, 1), np.float16), Transform.choose(RATE, SECONDS))
    data = replace(data, names=[_name(number) for number in range(files)])
    return _cost(files, lambda: fingerprint({}, data))


def look(folder: Path, files: int) -> Cost:
    """Say what of a folder will be used, as `soundvae upload --dry-run`; its own process alone."""
    from client.sounds import Folder

    _many(folder, files)
    return _cost(files, lambda: Folder.read(folder))


def upload(folder: Path, files: int) -> Cost:
    """Send what the bucket lacks, when it lacks nothing."""
    import hashlib

    from client import sounds
    from client.stack import Connection, Stack

    _many(folder, files)
    names = [_name(number) for number in range(files)]
    digests = [_md5(hashlib.md5, folder / _name(take)) for take in range(TAKES)]
    numbers = sorted(range(files), key=_name)  # as S3 orders keys
    sizes = [(folder / _name(take)).stat().st_size for take in range(TAKES)]

    class Listed:
        """A bucket with made-up keys, listed as S3 does it."""

        def get_paginator(self, _: str) -> "Listed":
            return self

        def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
            for start in range(0, files, PAGES_AT_ONCE):
                yield {
                    "Contents": [
                        {
                            "Key": f"audio/{_name(number)}",
                            "ETag": f'"{digests[number % TAKES]}"',
                            "Size": sizes[number % TAKES],
                            "LastModified": time.time(),
                            "StorageClass": "STANDARD",
                        }
                        for number in numbers[start : start + PAGES_AT_ONCE]
                    ]
                }

    class Made(Stack):
        def client(self, api: str) -> Any:
            return Listed()

    def send() -> None:
        stack = Made(Connection(), "SoundVae", {"BucketName": "b"})
        assert not any(sent.new for sent in sounds.upload(stack, folder, names))

    return _cost(files, send)


def stand_in(_: Path, files: int) -> Cost:
    """List made-up keys in the stand-in's S3, a thousand a page."""
    from local import server

    url = server.start(0)
    import boto3
    from moto.s3.models import FakeKey, s3_backends

    session = boto3.Session("a", "b", region_name="us-east-1")  # the stand-in takes any
    s3 = session.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="many")
    keys = next(iter(s3_backends.values()))["aws"].buckets["many"].keys
    for number in range(files):
        name = f"audio/{_name(number)}"
        keys[name] = FakeKey(name, b"", account_id="123456789012", region_name="us-east-1")

    def listing() -> None:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="many", Prefix="audio/")
        assert sum(len(page["Contents"]) for page in pages) == files

    return _cost(files, listing)


WORK: dict[str, tuple[Callable[[Path, int], Cost], int, str]] = {
    "list": (list_folder, 200_000, "the job lists its folder"),
    "flat": (list_flat, 200_000, "… without sub-folders"),
    "read": (read, 200_000, "… reads the sounds"),
    "skip": (skip, 200_000, "… skips what is no sound"),
    "split": (split, 1_000_000, "… divides the clips"),
    "fingerprint": (fingerprint, 1_000_000, "… knows its checkpoint by them"),
    "look": (look, 200_000, "`soundvae upload --dry-run`, beside its reader"),
    "upload": (upload, 50_000, "`soundvae upload` of what is there already"),
    "stand_in": (stand_in, 20_000, "the stand-in lists a bucket"),
}


def run() -> Section:
    """Measure everything, and give the table."""
    rows = []
    for work, (_, files, what) in WORK.items():
        print(f"many files: {what}", flush=True)
        rows.append((what, *_in_its_own_process(work, files).cells()))
    columns = ("what", "files", "memory for each", "time for each", "memory for 10 million", "time")
    return Section("Very many files", (__doc__ or "").rpartition("\n\n")[2].strip(), rows, columns)


def _many(folder: Path, files: int, *, flat: bool = False, suffix: str = ".wav") -> None:
    """Give eight sounds so many names below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    takes: list[Path] = []
    at = np.arange(round(SECONDS * RATE)) / RATE
    for number in range(files):
        if number % (TAKES * LINKS) < TAKES:
            takes = takes if number % (TAKES * LINKS) else []
            takes.append(folder / f".{number}.take")
            sound = 0.5 * np.sin(2 * np.pi * 200 * (1 + number % TAKES) * at)
            soundfile.write(takes[-1], sound, RATE, format="WAV")
        name = _name(number).replace("/", "-") if flat else _name(number)
        link = folder / name.replace(".wav", suffix)
        if number < LABELS:
            link.parent.mkdir(exist_ok=True)
        os.link(takes[number % TAKES], link)


def _name(number: int) -> str:
    return f"label-{number % LABELS:02}/recording_{number:09}.wav"


def _md5(md5: Any, file: Path) -> str:
    return str(md5(file.read_bytes(), usedforsecurity=False).hexdigest())


def _cost(files: int, call: Callable[[], object]) -> Cost:
    """Run it once, and see how much more memory the process takes at most."""
    before = fresh_peak()
    began = time.perf_counter()
    kept = call()
    took = time.perf_counter() - began
    peak = peak_mib() - before
    del kept
    return Cost(files, took, max(peak, 0) * 2**20)


def _in_its_own_process(work: str, files: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.many_files", "--work", work, "--files", str(files)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Cost(**json.loads(answer.stdout.splitlines()[-1]))


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def main() -> None:
    """Measure one thing, or everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", choices=list(WORK), help="only this, as one line of JSON")
    parser.add_argument("--files", type=int, help="how many files")
    args = parser.parse_args()
    if not args.work:
        print(run().to_markdown())
        return
    work, files, _ = WORK[args.work]
    with tempfile.TemporaryDirectory() as folder:
        cost = work(Path(folder), args.files or files)
    print(json.dumps({**cost.__dict__}))


if __name__ == "__main__":
    main()
