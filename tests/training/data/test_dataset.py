import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.report import DataError
from sound_vae.model.spectrogram import Transform

Tone = Callable[..., np.ndarray]


def write_prepared(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_min_max_scaled_spectrograms_are_taken_as_they_are(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {f"zero_{i}": random.random((256, 64), np.float32) for i in range(4)}
    write_prepared(tmp_path, arrays)
    data = read_dataset(tmp_path)
    assert data.clips.shape == (4, 64, 256)
    assert np.allclose(data.clips[0], arrays["zero_0"].T, atol=1e-3)
    transform = data.transform
    assert (transform.sample_rate, transform.n_fft, transform.hop_length) == (22_050, 512, 256)
    assert (transform.frames, transform.bins) == (64, 256)
    assert data.labels == ["zero"]


def test_decibels_and_a_channel_axis_are_understood(tmp_path: Path) -> None:
    decibels = np.full((256, 64, 1), -100.0)
    decibels[10, 5] = -20.0
    decibels[20, 6] = -60.0
    write_prepared(tmp_path, {"a_1": decibels, "a_2": decibels})
    values = read_dataset(tmp_path).clips[:]
    assert values[0, 5, 10] == 1
    assert values[0, 6, 20] == pytest.approx(0.5, abs=1e-3)
    assert values[0, 0, 0] == 0


def test_odd_sizes_are_brought_into_shape(tmp_path: Path) -> None:
    arrays = {f"a_{i}": np.random.default_rng(i).random((257, 61)) for i in range(3)}
    write_prepared(tmp_path, arrays)
    data = read_dataset(tmp_path)
    assert data.clips.shape == (3, 64, 256)
    assert data.transform.n_fft == 512
    assert not data.clips[:][:, 61:].any()


def test_prepared_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    good = np.random.default_rng(0).random((32, 16))
    write_prepared(
        tmp_path,
        {
            "a_1": good,
            "a_2": good,
            "shape": good[:, :8],
            "flat": np.zeros((32, 16)),
            "text": np.array(["no", "numbers"]),
            "nan": good * np.nan,
        },
    )
    np.save(tmp_path / "pickle.npy", np.array([{"run": "me"}]), allow_pickle=True)
    (tmp_path / "broken.npy").write_bytes(b"not numpy")
    data = read_dataset(tmp_path)
    assert data.names == ["a_1.npy", "a_2.npy"]
    skipped = {name for name, _ in data.report.skipped}
    assert skipped == {f"{n}.npy" for n in ("shape", "flat", "text", "nan", "pickle", "broken")}


@pytest.mark.parametrize(("written", "instead"), [(b"(16,", b"(16\0"), (b"}", b"{")])
def test_a_damaged_description_of_an_array_is_a_reason(
    tmp_path: Path, written: bytes, instead: bytes
) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).random((16, 16)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(written, instead, 1))
    data = read_dataset(tmp_path)
    assert data.names == ["b.npy"]
    assert data.report.skipped[0][1].startswith("cannot be read")


def test_only_broken_prepared_files_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"not numpy")
    with pytest.raises(DataError, match=r"broken\.npy"):
        read_dataset(tmp_path)


def test_a_clip_keeps_its_side_of_the_split_when_the_folder_grows(tones: Path) -> None:
    data = read_dataset(tones)
    _, validation = data.split(0.25)
    numbers = np.arange(len(data) + 50) % len(data)
    names = [*data.names, *(f"more_{i}.wav" for i in range(50))]
    grown = replace(data.subset(numbers), names=names)
    _, later = grown.split(0.25)
    assert [name for name in later.names if not name.startswith("more")] == validation.names
    assert 0 < len(validation) < len(data)


def test_a_part_of_a_dataset_keeps_each_clip_beside_its_name_and_label() -> None:
    values = np.arange(6, dtype=np.float16)[:, None, None] * np.ones((6, 16, 16), np.float16)
    ids = np.array([0, 1, -1, 0, 1, -1])
    data = Dataset.of(values, Transform(4000, 16 * 8, 32, 8), ids, ["a", "b"])
    training, validation = data.split(0.4)
    assert sorted([*training.names, *validation.names]) == data.names
    for part in (training, validation, data.labelled(), training.labelled().subsample(1, seed=0)):
        assert len(part) == len(part.clips) == len(part.label_ids)
        assert part.clips[:][:, 0, 0].tolist() == [float(name) for name in part.names]
        assert part.label_ids.tolist() == [ids[int(name)] for name in part.names]
    assert data.labelled().names == ["0", "1", "3", "4"]


def test_the_folder_is_scanned_once(tones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[str] = []
    scandir = os.scandir

    def counting(path: str) -> Any:
        scanned.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    read_dataset(tones)
    assert scanned == [str(tones)]


def test_one_clip_is_too_few(tmp_path: Path, tone: Tone) -> None:
    soundfile.write(tmp_path / "a_1.wav", tone(440), 8000)
    with pytest.raises(DataError, match=r"a_1\.wav"):
        read_dataset(tmp_path).split(0.1)


def test_file_numbers_are_not_taken_for_labels(tmp_path: Path, tone: Tone) -> None:
    for i in range(6):
        soundfile.write(tmp_path / f"{i}_rain.wav", tone(440), 8000)
    data = read_dataset(tmp_path)
    assert data.labels == []
    assert "not taken for labels" in str(data.report)


def test_stray_clips_without_a_label_are_kept_beside_labelled_ones(
    tones: Path, tmp_path: Path, tone: Tone
) -> None:
    for file in tones.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    soundfile.write(tmp_path / "stray.wav", tone(440), 8000)
    data = read_dataset(tmp_path)
    assert data.labels == ["high", "low"]
    assert data.label_ids[data.names.index("stray.wav")] == -1
