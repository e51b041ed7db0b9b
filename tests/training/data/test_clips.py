from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sound_vae.data.audio import cropped
from sound_vae.data.clips import Clips, choose_samples, read_clips
from sound_vae.data.dataset import read_dataset
from sound_vae.data.folder import visible_files
from sound_vae.data.report import DataError
from sound_vae.model.spectrogram import PEAK

Tone = Callable[..., np.ndarray]


def read_folder(folder: Path, **settings: Any) -> Clips:
    return read_clips(folder, visible_files(folder), **settings)


def waves(clips: Clips) -> np.ndarray:
    return clips.waves(np.arange(len(clips.names)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_every_format_rate_and_channel_count(
    tmp_path: Path, tone: Tone, suffix: str, rate: int, channels: int
) -> None:
    sound = np.stack([tone(440, 0.3, rate)] * channels, axis=1)
    soundfile.write(tmp_path / f"a_1.{suffix}", sound, rate)
    clips = read_folder(tmp_path, sample_rate=16_000, clip_seconds=0.3)
    assert waves(clips).shape == (1, 4800)
    assert clips.labels == ["a"]
    spectrum = np.abs(np.fft.rfft(waves(clips)[0]))
    assert spectrum.argmax() * 16_000 / 4800 == pytest.approx(440, abs=8)
    assert np.abs(waves(clips)).max() == pytest.approx(PEAK, abs=0.001)


@pytest.mark.parametrize("width", ["PCM_U8", "PCM_24", "FLOAT"])
def test_reads_wav_of_any_sample_width(tmp_path: Path, tone: Tone, width: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), 8000, subtype=width)
    assert read_folder(tmp_path).report.kept == 1


def test_silence_at_both_ends_is_cut_off(tmp_path: Path, tone: Tone) -> None:
    silence = np.zeros(4000, np.float32)
    soundfile.write(tmp_path / "a.wav", np.concatenate([silence, tone(440, 0.2), silence]), 8000)
    clips = read_folder(tmp_path, clip_seconds=1.0)
    audible = np.flatnonzero(np.abs(waves(clips)[0]) > 0.01)
    assert audible[0] < 80
    assert audible[-1] < 1700


def test_labels_come_from_the_sub_folder_or_the_file_name(tmp_path: Path, tone: Tone) -> None:
    (tmp_path / "kick" / "take_2").mkdir(parents=True)
    soundfile.write(tmp_path / "kick" / "take_2" / "deep_1.wav", tone(60), 8000)
    soundfile.write(tmp_path / "snare_1.wav", tone(300), 8000)
    soundfile.write(tmp_path / "unknown.wav", tone(900), 8000)
    clips = read_folder(tmp_path)
    assert dict(zip(clips.names, clips.labels, strict=True)) == {
        "kick/take_2/deep_1.wav": "kick",
        "snare_1.wav": "snare",
        "unknown.wav": None,
    }


def test_the_report_counts_every_file_and_says_why_one_is_skipped(
    tmp_path: Path, tone: Tone
) -> None:
    soundfile.write(tmp_path / "short.wav", tone(440, 0.1), 8000)
    soundfile.write(tmp_path / "long.wav", tone(440, 0.9), 8000)
    soundfile.write(tmp_path / "exact.wav", tone(440, 0.5), 8000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(4000), 8000)
    soundfile.write(tmp_path / "click.wav", tone(440, 0.01), 8000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF, but not really")
    (tmp_path / "nothing.mp3").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not a sound")
    (tmp_path / ".DS_Store").write_text("hidden")
    report = read_folder(tmp_path, clip_seconds=0.5).report
    assert (report.kept, report.padded, report.cropped) == (3, 1, 1)
    reasons = dict(report.skipped)
    assert set(reasons) == {"silent.wav", "click.wav", "broken.wav", "nothing.mp3", "notes.txt"}
    for name, word in {
        "silent.wav": "silent",
        "click.wav": "shorter than 20 ms",
        "broken.wav": "cannot be decoded",
        "nothing.mp3": "empty file",
        "notes.txt": ".txt is not a sound",
    }.items():
        assert word in reasons[name]
    text = str(report)
    assert "clips kept: 3 (padded: 1, cropped: 1), files skipped: 5" in text
    assert "cannot be decoded" in text


def test_a_truncated_file_is_kept_or_skipped_but_never_ends_the_run(
    tmp_path: Path, tone: Tone
) -> None:
    for suffix in ("wav", "flac", "ogg", "mp3"):
        file = tmp_path / f"cut.{suffix}"
        soundfile.write(file, tone(440, 1.0), 8000)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    soundfile.write(tmp_path / "whole.wav", tone(440), 8000)
    clips = read_folder(tmp_path)
    assert "whole.wav" in clips.names
    assert clips.report.kept + len(clips.report.skipped) == 5


def test_samples_that_are_not_numbers_are_skipped(tmp_path: Path, tone: Tone) -> None:
    sound = tone(440)
    soundfile.write(tmp_path / "good.wav", sound, 8000)
    sound[100] = np.nan
    soundfile.write(tmp_path / "bad.wav", sound, 8000, subtype="FLOAT")
    assert read_folder(tmp_path).names == ["good.wav"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "is empty"),
        ({"notes.txt": b"text"}, "notes.txt"),
        ({"a.wav": b"broken", "b.wav": b""}, "a.wav"),
    ],
)
def test_a_folder_without_usable_sounds_is_a_clear_error(
    tmp_path: Path, content: dict[str, bytes], words: str
) -> None:
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=words):
        read_dataset(tmp_path)


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        read_dataset(tmp_path / "nowhere")


def test_the_chosen_length_holds_nearly_all_sounds_without_much_silence() -> None:
    lengths = [3000] * 97 + [5600] * 2 + [30_000]
    assert choose_samples(np.array(lengths), 8000) == 5632  # 11 eighths of 4096
    assert choose_samples(np.full(5, 20_000), 4000) == 16_000  # 4 s at most


def test_rate_and_length_are_chosen_from_the_data(tmp_path: Path, tone: Tone) -> None:
    for take in range(9):
        soundfile.write(tmp_path / f"a_{take}.wav", tone(440, 0.6, 44_100), 44_100)
    soundfile.write(tmp_path / "a_9.wav", tone(440, 0.6, 22_050), 22_050)
    transform = read_dataset(tmp_path).transform
    assert transform.sample_rate == 44_100
    assert 0.6 <= transform.seconds <= 1.2
    assert transform.n_fft in (1024, 2048)
    assert transform.hop_length == transform.n_fft // 4


def test_a_cropped_clip_ends_softly() -> None:
    sound = cropped(np.ones(1000, np.float32), 640)
    assert sound.shape == (640,)
    assert sound[-1] == 0
    assert sound[:600].min() == 1
