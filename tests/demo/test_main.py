"""What the demo makes of its command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from demo.__main__ import label_of, sounds_in
from demo.steps import REPOSITORY, DemoError


@pytest.mark.parametrize(
    ("name", "label"),
    [("seven_a_1.wav", "seven"), ("seven/a_1.wav", "seven"), ("a.wav", None), ("_a.wav", None)],
)
def test_labels_come_from_folder_or_file_name(tmp_path: Path, name: str, label: str | None) -> None:
    assert label_of(tmp_path / name, tmp_path) == label


def test_a_folder_without_sounds_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DemoError, match=r"There is no wav, flac, ogg or mp3 file in "):
        sounds_in(tmp_path)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo", "--data", str(tmp_path / "nowhere")]
    refused = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120
    )
    assert refused.returncode == 1
    assert (
        refused.stderr
        == f"{tmp_path}/nowhere is not a folder: --data takes a folder with sounds.\n"
    )
