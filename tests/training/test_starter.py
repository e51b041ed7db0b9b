import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.serving.export import write_handler

STARTER = Path(__file__).parents[2] / "infra" / "starter" / "model.tar.gz"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starter")
    with tarfile.open(STARTER) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_the_archive_is_small_and_flat() -> None:
    assert STARTER.stat().st_size < 6_000_000
    with tarfile.open(STARTER) as archive:
        names = archive.getnames()
    assert not any(name.startswith((".", "/")) for name in names)
    assert {"1/saved_model.pb", "code/inference.py", "model.json"} <= set(names)


def test_the_archive_answers_with_the_handler_of_this_repository(
    starter: Path, tmp_path: Path
) -> None:
    write_handler(tmp_path)

    def files(folder: Path) -> dict[str, str]:
        paths = [path for path in folder.rglob("*.py") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}

    assert "inference.py" in files(tmp_path)
    assert files(starter / "code") == files(tmp_path)


def test_its_map_shows_every_digit_beside_its_like(starter: Path) -> None:
    description = json.loads((starter / "model.json").read_text())
    drawn = json.loads((starter / "map.json").read_text())
    assert drawn["labels"] == description["labels"]
    points = drawn["points"]
    assert len(points) == 2000
    assert {len(point["z"]) for point in points} == {description["latent_dim"]}
    assert all(drawn["labels"][point["label"]] == point["name"].split("/")[0] for point in points)
    plane = np.array([[point["x"], point["y"]] for point in points])
    assert np.abs(plane).max() == 1
    apart = np.square(plane[:, None] - plane[None]).sum(axis=-1)
    np.fill_diagonal(apart, np.inf)
    labels = np.array([point["label"] for point in points])
    nearest = np.argpartition(apart, 10, axis=1)[:, :10]
    assert (labels[nearest] == labels[:, None]).mean() > 0.9


def test_every_digit_is_audible_and_none_is_like_another(starter: Path) -> None:
    description: dict[str, Any] = json.loads((starter / "model.json").read_text())
    assert sorted(description["labels"]) == sorted(DIGITS)
    model = tf.saved_model.load(str(starter / "1"))
    outputs = model.signatures["serving_default"](
        label=tf.constant(DIGITS),
        seed=tf.zeros([10], tf.int64),
        temperature=tf.fill([10], float(description["temperature"])),
    )
    spectra = []
    for wav in outputs["wav_bytes"].numpy():
        sound, rate = soundfile.read(io.BytesIO(wav))
        assert rate == 8000
        assert 0.15 * rate < len(sound) <= description["clip_samples"]
        assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-1, abs=0.01)  # dBFS
        assert (np.abs(sound) >= 0.99).sum() == 0  # nothing is clipped
        voiced = np.abs(sound) > 0.05
        assert 0.03 < voiced.mean() < 0.9  # a word, not a click and not a hum
        whole = np.pad(sound, (0, description["clip_samples"] - len(sound)))
        spectra.append(np.abs(np.fft.rfft(whole.reshape(8, -1), axis=1)).ravel())
    likeness = np.corrcoef(spectra) - np.eye(10)
    assert likeness.max() < 0.95
