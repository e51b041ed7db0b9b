"""A recording much longer than a clip becomes many clips, in the memory that a short one takes."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sound_vae.data.audio import Sound, read_sound, read_sounds
from sound_vae.data.clips import Clips, read_clips
from sound_vae.data.contents import read_contents
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.folder import visible_files
from sound_vae.data.long_recordings import (
    MOST_PIECES,
    Part,
    by_file,
    file_and_part,
    file_of,
    is_long,
    pieces,
)
from sound_vae.model.framing import PEAK
from sound_vae.model.spectrogram import Transform
from tests.training.conftest import Tone
from tests.training.data.conftest import RATE, words

MOMENT = 64  # samples


def read_folder(folder: Path, **settings: Any) -> Clips:
    return read_clips(folder, *visible_files(folder), **settings)


def noise(seconds: float, seed: int = 0, gain: float = 0.5) -> np.ndarray:
    uniform = np.random.default_rng(seed).uniform(-1, 1, round(seconds * RATE))
    return (gain * uniform).astype(np.float32)


def parts_of(*spans: tuple[float, ...], seconds: float = 40.0, **settings: float) -> list[Part]:
    """Pieces of a recording whose power is 1 within these seconds, or what a third number says."""
    power = np.zeros(round(seconds * RATE / MOMENT), np.float32)
    for start, end, *levels in spans:
        within = slice(round(start * RATE / MOMENT), round(end * RATE / MOMENT))
        power[within] = [*levels, 1.0][0]
    chosen = {"trim_db": 45.0, "clip_seconds": 4.0} | settings
    return pieces(power, MOMENT, round(seconds * RATE), RATE, **chosen)


def test_it_is_cut_where_it_is_silent() -> None:
    assert parts_of((1, 2), (3, 6.2), (6.4, 6.8)) == [(1, 2), (3, 6.8)]


def test_what_sounds_on_is_cut_whenever_a_clip_is_full() -> None:
    assert parts_of((2, 12)) == [(2, 6), (6, 10), (10, 12)]
    assert parts_of((2, 11.2)) == [(2, 6), (6, 10)]  # the rest is less than half a clip
    assert parts_of((0, 40)) == [(4 * n, 4 * n + 4) for n in range(10)]


def test_what_is_faint_or_short_is_left_out() -> None:
    assert parts_of((1, 2), (3, 4, 1e-4), (5, 6, 0.01)) == [(1, 2), (5, 6)]
    assert parts_of((1, 2), (3, 3.016)) == [(1, 2)]
    assert parts_of((1, 2), (3, 4, 1e-4), trim_db=30.0) == [(1, 2)]


def test_one_recording_gives_no_more_than_a_thousand_clips_from_all_of_it() -> None:
    seconds = 4.0 * (MOST_PIECES + 500)
    found = parts_of((0, seconds), seconds=seconds)
    assert len(found) == MOST_PIECES
    assert (found[0], found[-1]) == ((0, 4), (seconds - 4, seconds))
    assert np.diff([part.start for part in found]).max() <= 8


def test_ordinary_sounds_are_not_cut() -> None:
    assert not is_long(30.0, 4.0, None)
    assert is_long(30.1, 4.0, None)
    assert not is_long(80.0, 30.0, None)
    assert is_long(90.0, 30.0, None)
    assert is_long(12.0, 4.0, True)
    assert not is_long(11.9, 4.0, True)
    assert not is_long(9999.0, 4.0, False)


@pytest.mark.parametrize("file", ["a.wav", "C#4.wav", "x#1.000-2.000/b.wav", "ä\n#.wav"])
def test_a_piece_is_named_by_its_file_and_its_seconds(file: str) -> None:
    part = Part(12.5, 4000.25)
    assert part.of(file) == f"{file}#12.500-4000.250"
    assert file_and_part(part.of(file)) == (file, part)
    assert file_and_part(file) == (file, None)
    assert list(by_file([file, part.of("b.wav"), part.of("b.wav"), "c.wav"])) == [
        (file, []),
        ("b.wav", [part, part]),
        ("c.wav", []),
    ]


def test_every_word_of_a_long_recording_becomes_a_clip(speech: Path) -> None:
    clips = read_folder(speech)
    assert len(clips.names) == 53
    assert clips.names[0].startswith("long.wav#1.000-1.5")
    assert clips.names[50:] == [f"short_{number}.wav" for number in range(3)]
    waves = clips.waves(np.arange(53))
    np.testing.assert_allclose(np.abs(waves).max(axis=1), PEAK, atol=1e-3)
    hertz = np.abs(np.fft.rfft(waves[:50], RATE)).argmax(axis=1)
    np.testing.assert_allclose(hertz, 200 + 10 * np.arange(50), atol=3)
    assert clips.samples / RATE == pytest.approx(0.5, abs=0.1)


def test_the_report_tells_files_from_clips(speech: Path) -> None:
    report = read_folder(speech).report
    assert (report.kept, report.used, report.files, report.cut, report.pieces) == (53, 4, 4, 1, 50)
    assert report.source_rates == {RATE: 4}
    assert report.warnings == [
        "1 of 4 files is so long that it was cut into 50 clips, at silences and whenever a clip "
        "was full: set cut_long to false to keep the beginning alone."
    ]


def test_cutting_can_be_forbidden_and_asked_for(speech: Path, tone: Tone) -> None:
    soundfile.write(speech / "middling.wav", words(13, tone), RATE)
    assert len(read_folder(speech).names) == 53 + 1
    assert len(read_folder(speech, cut_long=False).names) == 5
    assert len(read_folder(speech, cut_long=True).names) == 53 + 13


def test_a_piece_is_read_again_as_it_was(speech: Path) -> None:
    clips = read_folder(speech)
    chosen = np.array([3, 4, 40, 51])
    again = read_contents(speech, names=clips.names[chosen], clip_seconds=0.512).clips
    assert isinstance(again, Clips)
    assert again.names == clips.names[chosen]
    whole = clips.waves(chosen)
    np.testing.assert_allclose(again.waves(np.arange(4)), whole, atol=1e-3)
    alone = read_sound(45.0, 0.5, speech, clips.names[40])
    assert isinstance(alone, Sound)
    np.testing.assert_allclose(alone.samples[:3900], whole[2, :3900], atol=1e-3)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_minutes_are_read_in_the_memory_of_seconds(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sound_vae.data.audio.BLOCK_VALUES", 2 * RATE)
    with soundfile.SoundFile(tmp_path / f"rain.{suffix}", "w", RATE, 2) as file:
        for second in range(180):
            file.write(np.stack([noise(1, second), noise(1, second)], axis=1))
    read_sounds(45.0, 1.0, None, tmp_path, (f"rain.{suffix}", [Part(0, 1)]))  # loads the decoder
    tracemalloc.start()
    sounds = read_sounds(45.0, 1.0, None, tmp_path, (f"rain.{suffix}", []))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not isinstance(sounds, str)
    assert len(sounds) in (180, 181)  # MP3 pads
    assert sum(len(sound.samples) for sound in sounds) == pytest.approx(180 * RATE, rel=0.01)
    assert peak < 1_500_000  # all of it would be 5.8 MB, of one channel


def test_a_long_recording_that_is_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "cut.flac"
    soundfile.write(file, noise(120), RATE)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    outcome = read_sounds(45.0, 4.0, None, tmp_path, (file.name, []))
    assert isinstance(outcome, str) or 0 < len(outcome) <= 30


def test_a_full_disk_is_not_taken_for_a_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(60), RATE)
    monkeypatch.setattr("tempfile.TemporaryFile", FullDisk)
    with pytest.raises(OSError, match="No space left"):
        read_sounds(45.0, 4.0, None, tmp_path, ("a.wav", []))


class FullDisk:
    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, _: memoryview) -> None:
        raise OSError(28, "No space left on device")


def of_names(names: list[str]) -> Dataset:
    data = Dataset.of(np.zeros((len(names), 2, 2)), Transform(4000, 16, 4, 2))
    return Dataset(data.clips, names, data.label_ids, [], data.transform)


def recordings(pieces_of: dict[str, int]) -> Iterator[str]:
    for file, many in pieces_of.items():
        yield from (Part(n, n + 1).of(file) if many > 1 else file for n in range(many))


@pytest.mark.parametrize(
    "pieces_of",
    [
        {f"{n}.wav": 20 for n in range(40)},
        {"one.wav": 900, **{f"{n}.wav": 1 for n in range(100)}},
        {"one.wav": 500, "two.wav": 500},
        {"one.wav": 30, "two.wav": 1},
    ],
    ids=["many recordings", "one among many sounds", "two recordings", "one and one sound"],
)
def test_pieces_of_a_recording_are_on_one_side(pieces_of: dict[str, int]) -> None:
    for share in (0.05, 0.1, 0.5):
        training, validation = of_names(list(recordings(pieces_of))).split(share)
        assert len(training)
        assert len(validation)
        assert not {*map(file_of, training.names)} & {*map(file_of, validation.names)}
        held_back = len(validation) / sum(pieces_of.values())
        assert held_back < 0.6 if len(pieces_of) > 2 else True


def test_one_long_recording_does_not_take_the_place_of_all_held_back_sounds() -> None:
    names = list(recordings({f"{n}.wav": 900 if n == 7 else 1 for n in range(100)}))
    training, validation = of_names(names).split(0.1)
    assert 0 < len(validation) < 30
    assert "7.wav" in set(map(file_of, training.names))


def test_of_a_single_recording_the_end_is_held_back() -> None:
    names = list(recordings({"one.wav": 900}))
    training, validation = of_names(names).split(0.1)
    assert [*training.names, *validation.names] == names
    assert len(validation) == 90


def test_a_long_recording_is_learnt_from(tmp_path: Path, small: list[str], tone: Tone) -> None:
    import train

    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "data" / "words.flac", words(60, tone), RATE)
    arguments = ["--data", str(tmp_path / "data"), "--model-dir", str(tmp_path / "model"), *small]
    arguments += ["--output", str(tmp_path / "output")]
    assert train.main([*arguments, "--evaluation-sounds", "8"]) == 0
    page = (tmp_path / "output" / "report.html").read_text()
    assert "1 of 1 files are used: 1 long one was cut into 60 clips; of all clips" in page
    assert "words.flac#" in page
    assert len(read_dataset(tmp_path / "data", cut_long=False)) == 1
