"""The parts of `make demo` that need no deployment."""

import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

from local import spoken_digits
from local.demo import label_of, sounds_in
from local.demo_steps import DemoError
from local.following import Epoch, JobLog
from local.spectrogram_sheet import draw, read_wav
from tests.local.deployment import REPOSITORY, Client

PNG_HEADER_BYTES = 24


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


def test_each_word_sounds_different_in_each_manner() -> None:
    speaker = spoken_digits.Speaker()
    seven = speaker.say("seven", "en-us+f2", 155, 55)
    rate = spoken_digits.SAMPLE_RATE
    assert 0.2 * rate < len(seven) < 1.5 * rate
    assert abs(seven).max() > 5000
    others = [
        speaker.say("two", "en-us+f2", 155, 55),
        speaker.say("seven", "en-us+m3", 155, 55),
        speaker.say("seven", "en-us+f2", 190, 55),
        speaker.say("seven", "en-us+f2", 155, 20),
    ]
    assert all(seven.tobytes() != other.tobytes() for other in others)


def test_the_sheet_shows_every_sound(tmp_path: Path) -> None:
    sounds = {}
    for number in range(7):
        sounds[f"sound {number}"] = tmp_path / f"{number}.wav"
        with wave.open(str(sounds[f"sound {number}"]), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(range(256)) * 60)
    assert read_wav(sounds["sound 0"])[1] == 8000
    draw(sounds, tmp_path / "sheet.png", "Seven sounds")
    header = (tmp_path / "sheet.png").read_bytes()[:PNG_HEADER_BYTES]
    assert header.startswith(b"\x89PNG")
    width, height = (int.from_bytes(header[n : n + 4], "big") for n in (16, 20))
    assert width > 2 * height > 400  # two rows of five


def test_epochs_are_read_from_the_jobs_log(client: Client) -> None:
    logs = client("logs")
    group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
    if not logs.describe_log_groups()["logGroups"]:
        logs.create_log_group(**group)
    reader = JobLog(logs)
    assert list(reader.new_epochs()) == []
    reader.read_job("some-job")
    assert list(reader.new_epochs()) == []
    stream = {**group, "logStreamName": "some-job/algo-1-1"}
    logs.create_log_stream(**stream)
    now = int(time.time() * 1000)
    for message in ("hello", "epoch=3 val_loss=-1.5 kl=2e+01"):
        logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": message}])
    assert list(reader.new_epochs()) == [Epoch(3, {"epoch": 3, "val_loss": -1.5, "kl": 20})]
    assert list(reader.new_epochs()) == []


def test_the_stand_in_ends_cleanly_and_says_how_to_use_it(client: Client) -> None:
    taken = int(client("s3").meta.endpoint_url.rpartition(":")[2])
    command = [sys.executable, "-m", "local", "--port", str(taken)]
    refused = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 1
    assert refused.stderr.strip().startswith(f"Port {taken} is in use: choose another")
