"""Folders of sounds, prepared as the two jobs do, with a folder of this machine in place of S3."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sound_vae.data.shards import layout
from sound_vae.data.shards.framed import decide
from sound_vae.data.shards.layout import MANIFEST, PARTS, SHARDS, Prepared
from sound_vae.data.shards.planning import Listed, Plan, make_plan, read_todo
from sound_vae.data.shards.sharing import shards_of
from sound_vae.data.shards.writing import write_shards

Prepare = Callable[..., Plan]
TRIM_DB = 45.0


def listed(folder: Path) -> list[Listed]:
    """What S3 would list: every file with the MD5 of its content, in the order of the keys."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    contents = ((name, (folder / name).read_bytes()) for name in names)
    return [Listed(name, hashlib.md5(body).hexdigest()) for name, body in contents]  # noqa: S324


def bring(sounds: Path) -> Callable[[Sequence[str], Path], None]:
    """Fetch files of this machine."""

    def fetch(names: Sequence[str], folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sounds / name, folder / name)

    return fetch


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shard hold some clips of the tests' size."""
    content = {**layout.preparation(), "shard_megabytes": 0.05}
    monkeypatch.setattr(layout, "preparation", lambda: content)


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Plan and write what is new in a folder, in the names of as many hosts as are asked for."""
    runs = iter(range(100))

    def run(sounds: Path, prepared: Path, hosts: int = 1, **chosen: Any) -> Plan:
        number = next(runs)
        plan_folder = tmp_path / f"plan-{number}"
        manifest, shards = prepared / MANIFEST, prepared / SHARDS
        parts = manifest / PARTS
        for folder in (plan_folder, parts, shards):
            folder.mkdir(parents=True, exist_ok=True)
        there = [part for part in sorted(parts.iterdir()) if (shards / part.stem).exists()]
        plan = make_plan(listed(sounds), there, plan_folder, "s3://bucket/audio/")
        if (manifest / layout.FRAMING).is_file():
            how = Prepared.read(manifest)
        else:
            names = plan.sample.names
            how = decide(names, plan.sounds, bring(sounds), trim_db=TRIM_DB, **chosen)
            how.write(manifest)
        plan.write(manifest, lost=())
        todo = list(read_todo(plan_folder))
        for host in range(hosts):
            name = f"run-{number}-algo-{host + 1}"
            share = shards_of(todo[host::hosts], how, name)
            for _, error in write_shards(share, how, sounds=sounds, shards=shards, parts=parts):
                assert error is None
        return plan

    return run
