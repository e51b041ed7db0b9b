"""The model that the endpoint serves, as far as the page has to know it.

It is read out of the archive in the bucket, once for each version of it: what was read is kept in
the user's cache folder under the archive's address and ETag.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from platformdirs import user_cache_path

from client import runs
from client.endpoint import most_at_once
from client.failure import Failure, in_one_sentence
from client.stack import Stack
from client.studio import archive
from client.studio.sound_map import NO_MAP, SoundMap

KEPT = 20  # models in the cache folder
MORPH_STEPS = 17  # at most; between two of them the page fades


@dataclass(frozen=True)
class Served:
    """One version of the served model; numbers are None where its archive does not tell them."""

    url: str
    etag: str
    labels: list[str] | None = None  # [] of a model without labels
    sample_rate: int | None = None  # Hz
    clip_samples: int | None = None
    temperature: float | None = None  # of requests that name none
    morph_steps: int = 2  # fits into a response whatever the length
    sounds: SoundMap | None = None
    no_map: str = ""  # why there is none

    def to_json(self) -> dict[str, Any]:
        """Give what the page shows of it."""
        return {
            "url": self.url,
            "version": self.etag,
            "labels": self.labels,
            "sample_rate": self.sample_rate,
            "clip_samples": self.clip_samples,
            "temperature": self.temperature,
            "morph_steps": self.morph_steps,
            "map": self.sounds.to_json() if self.sounds else None,
            "no_map": self.no_map,
        }


class ServedModels:
    """Looks up which model is served, and reads its archive when it is a new one."""

    def __init__(self, stack: Stack, cache: Path | None = None) -> None:
        self._stack = stack
        self._cache = cache or user_cache_path("soundvae") / "models"
        self._known: Served | None = None
        self._lock = Lock()

    def version(self) -> tuple[str, str]:
        """Give address and ETag of the served model's archive."""
        with in_one_sentence():
            url = runs.served_model(self._stack)
            bucket, key = runs.in_s3(url, f"The stack names {url} as the served model")
            head = self._stack.client("s3").head_object(Bucket=bucket, Key=key)
        return url, str(head["ETag"])

    def now(self) -> Served:
        """Give the model that is served at this moment; raises `Failure`."""
        url, etag = self.version()
        with self._lock:
            if self._known and (self._known.url, self._known.etag) == (url, etag):
                return self._known
            served = self._read(url, etag)
            self._known = served if served.labels is not None else None  # or tried again
            return served

    def _read(self, url: str, etag: str) -> Served:
        try:
            files = self._files(url, etag)
        except Failure as failure:
            return Served(url, etag, no_map=str(failure))
        sounds, no_map = None, NO_MAP
        if "map.json" in files:
            try:
                sounds, no_map = SoundMap.parse(files["map.json"]), ""
            except Failure as failure:
                no_map = str(failure)
        return Served(url, etag, sounds=sounds, no_map=no_map, **described(files))

    def _files(self, url: str, etag: str) -> dict[str, bytes]:
        name = hashlib.sha256(f"{url} {etag}".encode()).hexdigest()
        folder = self._cache / name
        if (folder / "model.json").exists():
            return {
                file: (folder / file).read_bytes()
                for file in archive.MOST_READ
                if (folder / file).exists()
            }
        bucket, key = runs.in_s3(url, f"The stack names {url} as the served model")
        with in_one_sentence():
            s3 = self._stack.client("s3")
            files = archive.read(s3.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"])
        try:
            self._keep(folder, files)
        except OSError as error:  # it is only read again the next time
            logging.getLogger(__name__).warning("%s cannot be written: %s", folder, error.strerror)
        return files

    def _keep(self, folder: Path, files: dict[str, bytes]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files):  # model.json, which says that all is there, is the last
            unfinished = folder / f".{name}.unfinished"
            unfinished.write_bytes(files[name])
            unfinished.replace(folder / name)
        others = sorted(self._cache.iterdir(), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in others[KEPT:]:
            for file in old.iterdir():
                file.unlink()
            old.rmdir()


def described(files: dict[str, bytes]) -> dict[str, Any]:
    """Give what model.json says, or {} if it is none that this version knows."""
    try:
        said = json.loads(files["model.json"])
        labels = [str(label) for label in said["labels"]]
        rate, samples = int(said["sample_rate"]), int(said["clip_samples"])
        steps = most_at_once(samples, int(said["latent_dim"]))
        temperature = float(said["temperature"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return {
        "labels": labels,
        "sample_rate": rate,
        "clip_samples": samples,
        "temperature": temperature,
        "morph_steps": max(2, min(MORPH_STEPS, steps)),
    }
