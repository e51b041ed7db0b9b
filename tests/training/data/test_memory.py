"""Memory does not grow with the data: proved with a limit that the system sets on the process."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import train
from sound_vae.data.dataset import read_dataset
from sound_vae.data.report import DataError

# MiB, beside what TensorFlow takes at first; its threads take more while they work, how much
# depends on the machine
ROOM, ROOM_TO_TRAIN = 300, 640
Tone = Callable[..., np.ndarray]


def folders(folder: Path, suffix: str, write: Callable[[Path, int], None], many: int) -> Path:
    """`few` with some files of two labels, and `many` with the same under many names."""
    for name in ("few", "many"):
        (folder / name).mkdir()
    for i in range(8):
        write(folder / "few" / f"{'ab'[i % 2]}_{i}{suffix}", i)
    files = sorted((folder / "few").iterdir())
    for i in range(many):
        file = files[i % len(files)]
        os.link(file, folder / "many" / f"{file.stem}_{i}{suffix}")
    return folder


def limited(folder: Path, room: int, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("limited.py"), folder, str(room), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(train.__file__).parent)},
    ).stdout


def test_sounds_that_do_not_fit_into_memory_are_read(tmp_path: Path, tone: Tone) -> None:
    def write(file: Path, i: int) -> None:
        soundfile.write(file, tone(300 + 100 * i, 1.0, 16_000), 16_000)

    out = limited(folders(tmp_path, ".wav", write, many=10_000), ROOM)
    assert "fits=False heard=True" in out
    assert int(out.split("spectrograms=")[1].split()[0]) > 2 * ROOM * 2**20


def test_spectrograms_that_do_not_fit_into_memory_are_read_and_trained_on(tmp_path: Path) -> None:
    def write(file: Path, i: int) -> None:
        np.save(file, np.random.default_rng(i).random((256, 256), np.float32))

    folders(tmp_path, ".npy", write, many=6000)
    model = str(tmp_path / "model")
    small = "--epochs 1 --batch-size 16 --steps-per-call 2 --channels 8 --latent-dim 2"
    brief = "--perceptual false --evaluation-sounds 0 --vocoder true"
    arguments = [*small.split(), *brief.split(), "--model-dir", model]
    out = limited(tmp_path, ROOM_TO_TRAIN, *arguments)
    assert "fits=False heard=True" in out
    assert f"model written to {model}" in out


@pytest.mark.parametrize("suffix", [".wav", ".npy"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, tone: Tone, suffix: str) -> None:
    def write(file: Path, i: int) -> None:
        if suffix == ".wav":
            soundfile.write(file, tone(300 + 100 * i, 1.0), 8000)
        else:
            np.save(file, np.random.default_rng(i).random((64, 64), np.float32))

    folders(tmp_path, suffix, write, many=0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"is too full for the spectrograms of .*TMPDIR"):
            read_dataset(tmp_path / "few")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
