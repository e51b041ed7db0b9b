"""The map of the training sounds: where each lies in two dimensions, and its latent vector z.

map.json, beside model.json in a model's archive:

    {"labels": ["eight", …],
     "points": [{"x": 0.12, "y": -0.4, "label": 3, "name": "eight/a_0.wav", "z": [0.1, …]}, …]}

`x` and `y` lie in -1..1; `label` counts from 0 in `labels`, or is null.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Self

from client.failure import Failure

MOST_POINTS = 2_000
NEIGHBOURS = 4  # sounds that a place between them is made of
NO_MAP = (
    "The served model's archive holds no map.json, which a training run of this version writes: "
    "train, and the map of your sounds is here."
)


@dataclass(frozen=True)
class Point:
    """One training sound."""

    x: float  # -1..1
    y: float  # -1..1
    label: int | None  # its number in the map's labels
    name: str  # of its file
    z: tuple[float, ...]  # (latent_dim,)


@dataclass(frozen=True)
class SoundMap:
    """All sounds of the map."""

    labels: list[str]
    points: list[Point]

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read map.json; raises `Failure` when it is not what this module's top shows."""
        try:
            said = json.loads(content)
            if not isinstance(said, dict):
                raise TypeError("it is no object with labels and points")
            labels, points = said["labels"], [_point(entry) for entry in said["points"]]
        except KeyError as error:
            raise Failure(f"The model's map.json cannot be read: {error} is missing.") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise Failure(f"The model's map.json cannot be read: {error}.") from error
        if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
            raise Failure("The model's map.json has labels that are no list of names.")
        if not 1 <= len(points) <= MOST_POINTS:
            raise Failure(
                f"The model's map.json has {len(points)} points: 1 to {MOST_POINTS} are possible."
            )
        if len({len(point.z) for point in points}) != 1:
            raise Failure("The model's map.json has latent vectors of several lengths.")
        if any(p.label is not None and not 0 <= p.label < len(labels) for p in points):
            raise Failure("The model's map.json has a point whose label is none of its labels.")
        return cls(labels, points)

    def z_at(self, x: float, y: float) -> tuple[list[float], Point]:
        """Give the latent vector (latent_dim,) of a place, and the sound that is nearest to it.

        It is the mean of the nearest sounds', weighted by the inverse of their distances: at a
        sound it is that sound's (Shepard 1968, doi 10.1145/800186.810616).
        """
        by_distance = sorted(self.points, key=lambda point: math.hypot(point.x - x, point.y - y))
        near = by_distance[:NEIGHBOURS]
        distances = [math.hypot(point.x - x, point.y - y) for point in near]
        if distances[0] == 0:
            return list(near[0].z), near[0]
        weights = [1 / distance for distance in distances]
        total = sum(weights)
        columns = zip(*(point.z for point in near), strict=True)
        z = [sum(w * v for w, v in zip(weights, column, strict=True)) / total for column in columns]
        return z, near[0]

    def to_json(self) -> dict[str, Any]:
        """Give what the page draws: all but the latent vectors, which are most of the bytes."""
        points = [[round(p.x, 4), round(p.y, 4), p.label, p.name] for p in self.points]
        return {"labels": self.labels, "points": points}


def _point(entry: Any) -> Point:
    if not isinstance(entry, dict):
        raise TypeError("a point is no object")
    label = entry["label"]
    if label is not None and type(label) is not int:
        raise TypeError("a label is no number")
    z = tuple(map(_number, entry["z"]))
    x, y = _number(entry["x"]), _number(entry["y"])
    if not (z and abs(x) <= 1 and abs(y) <= 1):
        raise ValueError("a point lies outside of -1 to 1, or has no z")
    return Point(x, y, label, str(entry["name"]), z)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError("a coordinate is no finite number")
    return float(value)
