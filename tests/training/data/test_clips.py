import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sound_vae.data.audio import Sound, cropped, read_sound
from sound_vae.data.clips import Clips, choose_samples, read_clips
from sound_vae.data.dataset import read_dataset
from sound_vae.data.folder import visible_files
from sound_vae.data.report import DataError
from sound_vae.model.framing import PEAK

Tone = Callable[..., np.ndarray]


def read_folder(folder: Path, **settings: Any) -> Clips:
    return read_clips(folder, *visible_files(folder), **settings)


def waves(clips: Clips) -> np.ndarray:
    return clips.waves(np.arange(len(clips.names)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
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


def test_reasons_do_not_repeat_names(tmp_path: Path) -> None:
    for name in ("a: b.wav", "c/d: e.wav", "f.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"this is no sound")
    with pytest.raises(DataError, match=r"3 files were skipped"):
        read_dataset(tmp_path)
    reasons = {read_sound(45.0, 1.0, tmp_path, name) for name in ("a: b.wav", "c/d: e.wav")}
    assert reasons == {"cannot be decoded (Format not recognised.)"}


def test_a_truncated_file_is_kept_or_skipped_but_never_ends_the_run(
    tmp_path: Path, tone: Tone
) -> None:
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        file = tmp_path / f"cut.{suffix}"
        soundfile.write(file, tone(440, 1.0), 8000)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    soundfile.write(tmp_path / "whole.wav", tone(440), 8000)
    clips = read_folder(tmp_path)
    assert "whole.wav" in clips.names
    assert clips.report.kept + len(clips.report.skipped) == 6


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


def test_an_hour_is_read_like_a_short_sound_with_no_more_memory(
    tmp_path: Path,
) -> None:
    rate, channels, most = 8000, 2, 2.0
    file = tmp_path / "hour.flac"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(file, "w", rate, channels) as writer:
        silence = np.zeros((10 * rate, channels))
        for _ in range(60):
            writer.write(silence)
        for gain in (*[0.1] * 250, 0.5):
            writer.write(np.round(gain * rng.uniform(-1, 1, (rate, 1)) * 127) / 128 * [1, 1])
        for _ in range(274):
            writer.write(silence)
    tracemalloc.start()
    sound = read_sound(45.0, most, tmp_path, file.name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(sound, Sound)
    assert sound.length == pytest.approx(251 * rate, abs=rate // 100)
    assert sound.samples.shape == (2 * rate + 1,)
    assert np.abs(sound.samples).max() == pytest.approx(PEAK / 5, rel=0.05)
    assert peak < 40e6  # all of it would be 230 MB


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_blocks_give_the_same_as_the_whole(
    tmp_path: Path, tone: Tone, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = np.zeros(3000, np.float32)
    sound = np.concatenate([silence, tone(440, 1.3), silence])
    soundfile.write(tmp_path / f"a.{suffix}", sound, 8000)
    whole = read_sound(45.0, 1.0, tmp_path, f"a.{suffix}")
    monkeypatch.setattr("sound_vae.data.audio.BLOCK_VALUES", 1000)
    blocks = read_sound(45.0, 1.0, tmp_path, f"a.{suffix}")
    assert isinstance(whole, Sound)
    assert isinstance(blocks, Sound)
    assert blocks[1:] == whole[1:]
    np.testing.assert_allclose(blocks.samples, whole.samples, atol=1e-6)


@pytest.mark.parametrize("rate", [0, 999, 384_001, 2**31 - 1])
def test_a_rate_that_no_sound_has_is_skipped(tmp_path: Path, tone: Tone, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(content)
    ((_, reason),) = read_folder(tmp_path).report.skipped
    assert "possible" in reason or "cannot be decoded" in reason


def test_links_are_followed_within_the_folder_and_not_out_of_it(tmp_path: Path, tone: Tone) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data / "low", elsewhere):
        folder.mkdir(parents=True)
        soundfile.write(folder / "a.wav", tone(440), 8000)
    (data / "within.wav").symlink_to(data / "low" / "a.wav")
    (data / "relative.wav").symlink_to("low/a.wav")
    (data / "out.wav").symlink_to(elsewhere / "a.wav")
    (data / "up.wav").symlink_to("../elsewhere/a.wav")
    (data / "broken.wav").symlink_to("nothing.wav")
    (data / "loop.wav").symlink_to("loop.wav")
    (data / "folder").symlink_to(elsewhere)
    (data / "again").symlink_to("low")
    os.mkfifo(data / "pipe.wav")
    clips = read_folder(data)
    assert clips.names == ["low/a.wav", "relative.wav", "within.wav"]
    reasons = dict(clips.report.skipped)
    assert {name: reason.split()[-1] for name, reason in reasons.items()} == {
        "out.wav": "folder",
        "up.wav": "folder",
        "folder": "folder",
        "broken.wav": "nowhere",
        "loop.wav": "nowhere",
        "again": "file",
        "pipe.wav": "file",
    }
    assert clips.report.files == 10
    (tmp_path / "link").symlink_to(data)  # the folder itself may be a link
    assert read_folder(tmp_path / "link").names == clips.names


def test_only_links_that_lead_out_are_a_clear_error(tmp_path: Path, tone: Tone) -> None:
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "a.wav", tone(440), 8000)
    (tmp_path / "data" / "a.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"a\.wav \(a link that leads out of the folder\)"):
        read_dataset(tmp_path / "data")


@pytest.mark.parametrize("suffix", [".wav", ".npy"])
def test_a_name_that_is_not_utf_8_is_skipped(tmp_path: Path, tone: Tone, suffix: str) -> None:
    def write(name: bytes) -> None:
        with (tmp_path / os.fsdecode(name)).open("wb") as opened:
            if suffix == ".npy":
                np.save(opened, np.random.default_rng(0).random((16, 16)))
            else:
                soundfile.write(opened, tone(440), 8000, format="WAV")

    (tmp_path / os.fsdecode("zw\xf6lf".encode("latin-1"))).mkdir()
    for name in ("a.", "b.", "gr\xfcn.", "zw\xf6lf/a."):
        write(name.encode("latin-1") + suffix[1:].encode())
    write("grün.".encode() + suffix[1:].encode())
    data = read_dataset(tmp_path)
    data.split(0.5)
    assert data.names == [f"a{suffix}", f"b{suffix}", f"grün{suffix}"]
    assert [reason for _, reason in data.report.skipped] == ["its name is not UTF-8"] * 2
    assert f"gr\\udcfcn{suffix}" in str(data.report)
    str(data.report).encode()
