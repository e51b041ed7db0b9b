from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sound_vae.data.clips import DataError
from sound_vae.data.dataset import Dataset, read_dataset

Tone = Callable[..., np.ndarray]


def write_prepared(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_min_max_scaled_spectrograms_are_taken_as_they_are(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {f"zero_{i}": random.random((256, 64), np.float32) for i in range(4)}
    write_prepared(tmp_path, arrays)
    data = read_dataset(tmp_path)
    assert data.values.shape == (4, 64, 256)
    assert np.allclose(data.values[0], arrays["zero_0"].T, atol=1e-3)
    transform = data.transform
    assert (transform.sample_rate, transform.n_fft, transform.hop_length) == (22_050, 512, 256)
    assert (transform.frames, transform.bins) == (64, 256)
    assert data.labels == ["zero"]


def test_decibels_and_a_channel_axis_are_understood(tmp_path: Path) -> None:
    decibels = np.full((256, 64, 1), -100.0)
    decibels[10, 5] = -20.0
    decibels[20, 6] = -60.0
    write_prepared(tmp_path, {"a_1": decibels, "a_2": decibels})
    values = read_dataset(tmp_path).values
    assert values[0, 5, 10] == 1
    assert values[0, 6, 20] == pytest.approx(0.5, abs=1e-3)
    assert values[0, 0, 0] == 0


def test_odd_sizes_are_brought_into_shape(tmp_path: Path) -> None:
    arrays = {f"a_{i}": np.random.default_rng(i).random((257, 61)) for i in range(3)}
    write_prepared(tmp_path, arrays)
    data = read_dataset(tmp_path)
    assert data.values.shape == (3, 64, 256)
    assert data.transform.n_fft == 512
    assert not data.values[:, 61:].any()


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


def test_only_broken_prepared_files_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"not numpy")
    with pytest.raises(DataError, match=r"broken\.npy"):
        read_dataset(tmp_path)


def test_a_clip_keeps_its_side_of_the_split_when_the_folder_grows(tones: Path) -> None:
    data = read_dataset(tones)
    _, validation = data.split(0.25)
    grown = Dataset(
        data.values,
        [*data.names, *(f"more_{i}.wav" for i in range(50))],
        data.label_ids,
        data.labels,
        data.transform,
        data.report,
    )
    _, later = grown.split(0.25)
    assert [i for i in later if i < len(data.names)] == list(validation)
    assert 0 < len(validation) < len(data.names)


def test_one_clip_is_too_few(tmp_path: Path, tone: Tone) -> None:
    soundfile.write(tmp_path / "a_1.wav", tone(440), 8000)
    with pytest.raises(DataError, match=r"a_1\.wav"):
        read_dataset(tmp_path).split(0.1)


def test_file_numbers_are_not_taken_for_labels(tmp_path: Path, tone: Tone) -> None:
    for i in range(6):
        soundfile.write(tmp_path / f"{i}_rain.wav", tone(440), 8000)
    data = read_dataset(tmp_path)
    assert data.labels == []
    assert "unlabelled" in str(data.report)


def test_stray_clips_without_a_label_are_kept_beside_labelled_ones(
    tones: Path, tmp_path: Path, tone: Tone
) -> None:
    for file in tones.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    soundfile.write(tmp_path / "stray.wav", tone(440), 8000)
    data = read_dataset(tmp_path)
    assert data.labels == ["high", "low"]
    assert data.label_ids[data.names.index("stray.wav")] == -1
