"""model.json: what a served model can make, and how to build its networks again.

inference.py reads the file without this module: the serving container has no TensorFlow.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sound_vae.model.autoencoder import Architecture
from sound_vae.model.spectrogram import Transform

DESCRIPTION_FILE, WEIGHTS_FILE = "model.json", "vae.weights.h5"  # in a model folder
EXCITER_FILE = "exciter.weights.h5"  # of a model with a vocoder


@dataclass(frozen=True)
class Description:
    """The content of model.json."""

    architecture: Architecture
    transform: Transform
    labels: list[str]
    temperature: float  # of requests that name none
    texture: float  # standard deviation of the noise added to decoded spectrograms (0..1)
    trim_db: float = 45.0  # below its loudest moment a sound ends; older models did not say
    contrast: float = 1.0  # of a vocoder; older models did not say
    pitch_range: tuple[float, float] | None = None  # Hz that requests may name; with a vocoder

    def write(self, model_dir: Path) -> None:
        """Write model.json; it repeats rate, length and latent_dim for inference.py."""
        content: dict[str, Any] = {
            "architecture": self.architecture.to_json(),
            "transform": self.transform.to_json(),
            "labels": self.labels,
            "sample_rate": self.transform.sample_rate,
            "clip_samples": self.transform.clip_samples,
            "latent_dim": self.architecture.latent_dim,
            "temperature": self.temperature,
            "texture": self.texture,
            "trim_db": self.trim_db,
            "contrast": self.contrast,
            "pitch_range": self.pitch_range,
        }
        text = json.dumps(content, indent=2) + "\n"
        (model_dir / DESCRIPTION_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, model_dir: Path) -> Self:
        """Read model.json.

        Raises OSError, ValueError, KeyError, TypeError or RecursionError if it is another's.
        """
        content = json.loads((model_dir / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        labels = content["labels"]
        numbers = (
            content["temperature"],
            content["texture"],
            content.get("trim_db", cls.trim_db),
            content.get("contrast", cls.contrast),
        )
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError("its labels are no list of names")
        if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
            raise ValueError("its temperature, texture, trim_db or contrast is no number")
        limits = content.get("pitch_range")
        if limits is not None:
            low, high = map(float, limits)
            limits = low, high
        return cls(
            Architecture(**content["architecture"]),
            Transform(**content["transform"]),
            labels,
            *numbers,
            limits,
        )
