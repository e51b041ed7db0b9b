import copy
import json
from typing import Any

import pytest

from client.failure import Failure
from client.studio.sound_map import MOST_POINTS, SoundMap
from tests.client.studio.archives import MAP


def parsed(content: Any) -> SoundMap:
    return SoundMap.parse(json.dumps(content).encode())


def test_at_a_sound_its_own_vector_is_meant() -> None:
    sounds = parsed(MAP)
    for point in MAP["points"]:
        z, nearest = sounds.z_at(point["x"], point["y"])
        assert (z, nearest.name) == (point["z"], point["name"])


def test_between_sounds_the_nearest_are_mixed_by_their_distances() -> None:
    points = [
        {"x": x, "y": 0.0, "label": None, "name": str(x), "z": [z]}
        for x, z in [(-0.2, 0.0), (0.1, 3.0), (0.2, 6.0), (-0.4, 9.0), (0.9, 1000.0)]
    ]
    z, nearest = parsed({"labels": [], "points": points}).z_at(0, 0)
    weights = [1 / 0.2, 1 / 0.1, 1 / 0.2, 1 / 0.4]
    wanted = sum(w * v for w, v in zip(weights, [0, 3, 6, 9], strict=True)) / sum(weights)
    assert z == [pytest.approx(wanted)]
    assert nearest.name == "0.1"


def changed(**more: Any) -> dict[str, Any]:
    content: dict[str, Any] = copy.deepcopy(MAP)
    content["points"][1] |= more
    return content


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"labels": ["a"]},
        {"labels": ["a"], "points": []},
        {"labels": "a", "points": MAP["points"]},
        {"labels": [1], "points": MAP["points"]},
        {"labels": [], "points": MAP["points"]},
        {"labels": MAP["labels"], "points": MAP["points"] * (MOST_POINTS // 18 + 1)},
        {"labels": MAP["labels"], "points": ["x"]},
        changed(x=1.5),
        changed(y="0"),
        changed(x=float("nan")),
        changed(label=3),
        changed(label=-1),
        changed(label=True),
        changed(z=[]),
        changed(z=[1.0]),
        changed(z=[float("inf"), 0.0]),
        changed(z="ab"),
    ],
    ids=lambda content: str(content)[:60],
)
def test_what_is_no_map_is_one_sentence(content: Any) -> None:
    with pytest.raises(Failure, match=r"^The model's map\.json (cannot be read:|has) .*\.$"):
        parsed(content)


def test_bytes_that_are_no_json_are_one_sentence() -> None:
    for content in (b"\xff", b"{", b"[" * 100_000):
        with pytest.raises(Failure, match=r"map\.json cannot be read"):
            SoundMap.parse(content)
