"""What the demo makes of its command line, and of its end; whole it runs in test_commands.py."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from demo.__main__ import OUTPUT, REPOSITORY

DEMO = [sys.executable, "-m", "demo"]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder, time_ = tmp_path / "sounds", np.arange(2400) / 8000
    folder.mkdir()
    for number in range(24):
        label, hertz = ("high", 900) if number % 2 else ("low", 200)
        wave = 0.5 * np.sin(2 * np.pi * (hertz + 10 * number) * time_)
        soundfile.write(folder / f"{label}_{number}.wav", wave, 8000)
    return folder


def test_what_ends_the_demo_ends_its_stand_in(sounds: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    command = [*DEMO, "--data", str(sounds), "--output", str(output)]
    demo = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert demo.stdout
    for line in demo.stdout:
        if line.startswith("$ soundvae deploy"):
            break
    time.sleep(1)
    [deploys] = psutil.Process(demo.pid).children()
    folder = deploys.environ()["SOUNDVAE_STAND_IN"]
    mine = [process for process in psutil.process_iter() if is_stand_in(process, folder)]
    assert mine
    os.kill(demo.pid, signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode == 143
    assert not any(process.is_running() for process in mine)
    assert not output.exists()


def is_stand_in(process: psutil.Process, folder: str) -> bool:
    """Whether it is the stand-in that a demo uses; others may run beside it."""
    try:
        local = process.cmdline()[2:4] == ["-m", "local"]
        return local and process.environ().get("SOUNDVAE_STAND_IN") == folder
    except psutil.Error:
        return False


def test_a_folder_without_sounds_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    command = [sys.executable, "-m", "client", "upload", "--dry-run", str(tmp_path)]
    refused = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1
    assert "no .wav, .flac, .ogg, .mp3 or .aiff file" in refused.stderr


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    command = [*DEMO, "--data", str(tmp_path / "nowhere")]
    refused = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120
    )
    assert refused.returncode == 1
    assert (
        refused.stderr
        == f"{tmp_path}/nowhere is not a folder: --data takes a folder with sounds.\n"
    )
    assert OUTPUT == REPOSITORY / "demo-output"
