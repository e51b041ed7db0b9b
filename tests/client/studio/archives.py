"""Archives of models as far as the studio reads them."""

import io
import json
import tarfile
from typing import Any

CLIP = 12_000  # samples of a sound, 1.5 seconds
LABELS = ["hat", "kick", "snare"]
MODEL: dict[str, Any] = {
    "labels": LABELS,
    "sample_rate": 8000,
    "clip_samples": CLIP,
    "latent_dim": 2,
    "temperature": 0.9,
}
MAP: dict[str, Any] = {
    "labels": LABELS,
    "points": [
        {
            "x": -0.9 + 0.6 * label + 0.05 * number,
            "y": -0.5 + 0.2 * number,
            "label": label,
            "name": f"{name}/{number}.wav",
            "z": [float(label), float(number)],
        }
        for label, name in enumerate(LABELS)
        for number in range(6)
    ],
}


def archive(files: dict[str, Any]) -> bytes:
    """A model.tar.gz of files by their names; what is not bytes is written as JSON."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as made:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return target.getvalue()


def model_archive(**more: Any) -> bytes:
    """What a training run writes: the graph, model.json and what is given."""
    return archive({"1/saved_model.pb": b"graph" * 1000, "model.json": MODEL, **more})
