"""What lies where in a prepared folder, and how its sounds are framed."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sound_vae.data.report import DataError
from sound_vae.model.framing import Framing

TRAINING = Path(__file__).parents[3]
MANIFEST, PARTS, SHARDS = "manifest", "parts", "shards"  # folders
FRAMING, LISTING, STALE = "framing.json", "listing.json", "stale.json"
TODO, S3_MANIFEST = "todo.jsonl", "manifest.json"  # of a plan
SUFFIX = ".tfrecord"
ALL = "all"  # lines of a part, in stale.json


def preparation() -> dict[str, Any]:
    """Give the format's number, the hyperparameters that it depends on and a shard's size."""
    content: dict[str, Any] = json.loads((TRAINING / "preparation.json").read_text("utf-8"))
    return content


def shard_bytes() -> int:
    """Give the size that a shard has when it is full."""
    return int(preparation()["shard_megabytes"] * 10**6)


@dataclass(frozen=True)
class Prepared:
    """How the sounds of a prepared folder were trimmed, cut and transformed."""

    framing: Framing
    samples: int  # of a clip, before it was filled up to a whole number of frames
    most_seconds: float  # of a sound that were looked at after its silence
    trim_db: float
    cut_long: bool | None  # as the hyperparameter
    looked_at: int  # sounds that decided rate, length and window
    sounds: int  # that there were then
    notes: list[str] = field(default_factory=list)  # about the window

    @property
    def clip_seconds(self) -> float:
        """Length of a clip."""
        return self.samples / self.framing.sample_rate

    def write(self, folder: Path) -> None:
        """Write framing.json."""
        content = {**asdict(self), "format": preparation()["format"]}
        (folder / FRAMING).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Prepared":
        """Read framing.json; raises DataError where another version of this program wrote it."""
        content = json.loads((folder / FRAMING).read_text("utf-8"))
        if content.pop("format") != preparation()["format"]:
            raise DataError(
                f"{folder / FRAMING} is of another version of this program: prepare the sounds anew"
            )
        return cls(**{**content, "framing": Framing(**content["framing"])})


def manifest_of(folder: Path) -> Path | None:
    """Find the manifest beside a folder of shards, as a channel of SageMaker's lies; or None."""
    manifest = folder.resolve().parent / MANIFEST
    return manifest if (manifest / FRAMING).is_file() else None
