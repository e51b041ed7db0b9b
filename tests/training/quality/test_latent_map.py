"""map.json puts sounds that are alike beside each other, the same every time."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl  # type: ignore[import-untyped]
from sklearn.manifold import TSNE  # type: ignore[import-untyped]

from sound_vae.data.contents import NO_LABEL
from sound_vae.data.dataset import Dataset
from sound_vae.quality import latent_map
from sound_vae.quality.latent_map import MOST_VALUES, project, write_map
from tests.training.tones import TRANSFORM

LABELS = ["high", "low", "mid"]


def means(
    clips: int, d: int, spread: float, labels: int = len(LABELS)
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means around a centre of their label, and label indices."""
    rng = np.random.default_rng(0)
    label_ids = np.arange(clips) % labels
    centres = rng.standard_normal((labels, d))
    return (centres[label_ids] + spread * rng.standard_normal((clips, d))), label_ids


def clips_of(label_ids: np.ndarray) -> Dataset:
    values = np.zeros((len(label_ids), TRANSFORM.frames, TRANSFORM.bins), np.float16)
    return Dataset.of(values, TRANSFORM, label_ids, LABELS)


def share_of_label(plane: np.ndarray, label_ids: np.ndarray, neighbours: int = 5) -> float:
    apart = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1)[:, :neighbours]
    return float((label_ids[nearest] == label_ids[:, None]).mean())


def test_neighbours_on_the_map_have_the_same_label_more_often_than_along_two_directions() -> None:
    z, label_ids = means(160, 30, 0.5, labels=10)
    principal = latent_map._principal(z - z.mean(axis=0))
    assert share_of_label(project(z, 0), label_ids) > share_of_label(principal, label_ids) + 0.1


def test_the_map_is_the_same_every_time_and_fills_its_frame() -> None:
    z, _ = means(60, 8, 0.5)
    plane = project(z, 3)
    np.testing.assert_array_equal(plane, project(z, 3))
    assert np.abs(plane).max() == pytest.approx(1)
    assert plane.min() >= -1


def test_the_map_is_drawn_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Watched(TSNE):
        def fit_transform(self, z: np.ndarray) -> np.ndarray:
            seen.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info())
            return super().fit_transform(z)

    monkeypatch.setattr(latent_map, "TSNE", Watched)
    project(means(40, 8, 0.5)[0], 0)
    assert set(seen) == {1}


@pytest.mark.parametrize(
    "z",
    [
        np.zeros((1, 5)),
        np.eye(2, 4),
        np.eye(5, 9),
        np.ones((30, 6)),
        np.repeat(np.eye(2, 6), 20, axis=0),
    ],
    ids=["one", "two", "five", "all the same", "two places"],
)
def test_few_clips_and_clips_that_are_the_same_have_a_place(z: np.ndarray) -> None:
    plane = project(z, 0)
    assert plane.shape == (len(z), 2)
    assert np.isfinite(plane).all()
    assert np.abs(plane).max() <= 1


def test_two_dimensions_stay_as_they_are() -> None:
    z, _ = means(20, 2, 1.0)
    plane = project(z, 0)
    scale = np.linalg.norm(plane[0] - plane[1]) / np.linalg.norm(z[0] - z[1])
    np.testing.assert_allclose(np.diff(plane, axis=0), scale * np.diff(z, axis=0))


def test_a_point_says_what_the_clip_is_and_where_it_lies(tmp_path: Path) -> None:
    z, label_ids = means(12, 4, 1.0)
    label_ids[5] = NO_LABEL
    clips = replace(clips_of(label_ids), names=[f"low/{i} ä.wav" for i in range(12)])
    write_map(tmp_path, z, clips, seed=0)
    content = json.loads((tmp_path / "map.json").read_text(encoding="utf-8"))
    assert content["labels"] == LABELS
    assert [point["label"] for point in content["points"]] == [0, 1, 2, 0, 1, None] + [0, 1, 2] * 2
    assert content["points"][3]["name"] == "low/3 ä.wav"
    np.testing.assert_array_equal([point["z"] for point in content["points"]], z.round(3))


def test_of_many_clips_a_random_part_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latent_map, "MOST_POINTS", 25)
    z, label_ids = means(90, 4, 1.0)
    drawn = [latent_map.latent_map(z, clips_of(label_ids), seed)["points"] for seed in (0, 0, 1)]
    assert [len(points) for points in drawn] == [25] * 3
    names = [[point["name"] for point in points] for points in drawn]
    assert names[0] == names[1] != names[2]


def test_a_long_z_makes_no_long_file() -> None:
    z = np.random.default_rng(0).standard_normal((1000, 1024))
    points = latent_map.latent_map(z, clips_of(np.arange(1000) % 3), 0)["points"]
    assert len(points) == MOST_VALUES // 1024
