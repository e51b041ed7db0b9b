"""What was prepared is what training would have read, whole or as a stream."""

import json
import mmap
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.data import dataset
from sound_vae.data.dataset import read_dataset
from sound_vae.data.long_recordings import file_of
from sound_vae.data.report import DataError
from sound_vae.data.shards import layout, values, writing
from sound_vae.data.shards.layout import MANIFEST, PARTS, SHARDS
from sound_vae.data.shards.values import Shards
from tests.training.conftest import Tone
from tests.training.data.shards.conftest import TRIM_DB, Prepare


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the smallest data be read where it lies."""
    monkeypatch.setattr(dataset, "MOST_COPIED", 0)


@pytest.fixture
def mixed(tmp_path: Path, tone: Tone) -> Path:
    """Sounds of two rates and many lengths, one file that is no sound and one that is broken."""
    folder = tmp_path / "sounds"
    for label in ("low", "high"):
        (folder / label).mkdir(parents=True)
    for number in range(40):
        rate = 11_025 if number % 7 == 0 else 8000
        sound = tone(300 + 20 * number, 0.1 + 0.01 * number, rate)
        soundfile.write(folder / ("low", "high")[number % 2] / f"{number}.wav", sound, rate)
    (folder / "notes.txt").write_text("about the sounds")
    (folder / "high" / "broken.wav").write_bytes(b"no sound at all")
    return folder


def test_what_was_prepared_is_what_training_reads_without_preparing(
    mixed: Path, tmp_path: Path, prepare: Prepare, small_shards: None
) -> None:
    plan = prepare(mixed, tmp_path / "prepared", hosts=2)
    assert (plan.todo, plan.kept, plan.dropped) == (41, 0, 0)
    assert len(list((tmp_path / "prepared" / SHARDS).iterdir())) > 2
    mine, theirs = read_dataset(tmp_path / "prepared" / SHARDS), read_dataset(mixed)
    assert mine.names == theirs.names
    assert mine.labels == theirs.labels == ["high", "low"]
    assert mine.transform == theirs.transform
    np.testing.assert_array_equal(mine.label_ids, theirs.label_ids)
    np.testing.assert_array_equal(mine.clips[:], theirs.clips[:])
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    np.testing.assert_array_equal(mine.order(rng), theirs.order(same))
    mine.report.notes = [note for note in mine.report.notes if "prepared in" not in note]
    assert mine.report == theirs.report
    assert ("notes.txt", ".txt is not a sound") in mine.report.skipped


def test_a_stream_holds_the_same_clips_in_the_order_of_its_shards(
    mixed: Path, tmp_path: Path, prepare: Prepare, small_shards: None, streamed: None
) -> None:
    prepare(mixed, tmp_path / "prepared", hosts=2)
    mine, theirs = read_dataset(tmp_path / "prepared" / SHARDS), read_dataset(mixed)
    assert isinstance(mine.clips.values, Shards)
    assert sorted(mine.names) == sorted(theirs.names) != mine.names
    where = [theirs.names.index(name) for name in mine.names]
    np.testing.assert_array_equal(mine.clips[:], theirs.clips[np.array(where)])
    np.testing.assert_array_equal(mine.label_ids, theirs.label_ids[where])
    some = np.array([5, 3, 39, 3])
    np.testing.assert_array_equal(mine.clips[some], mine.clips[:][some])
    np.testing.assert_array_equal(mine.clips[7], mine.clips[:][7])


def size(file: Path) -> int:
    """Bytes of a file."""
    return file.stat().st_size


def in_memory(shards: Shards) -> int:
    """Bytes of the shards that are in memory now."""
    return sum(size(shards.files[number]) for number in shards._loaded)


def test_an_epoch_reads_every_clip_once_and_every_shard_once_within_a_window_of_memory(
    mixed: Path,
    tmp_path: Path,
    prepare: Prepare,
    small_shards: None,
    streamed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(mixed, tmp_path / "prepared", hosts=3)
    training, _ = read_dataset(tmp_path / "prepared" / SHARDS).split(0.2)
    shards = training.clips.values
    assert isinstance(shards, Shards)
    assert len(shards.files) >= 6
    shards.window_bytes = sum(map(size, shards.files)) // 3
    whole = training.clips[:]
    reads: list[str] = []
    of_values = values.whole

    def counted(path: Path) -> mmap.mmap:
        reads.append(path.name)
        return of_values(path)

    monkeypatch.setattr(values, "whole", counted)
    alone: list[int] = []
    of_shards = Shards._read_alone

    def read_alone(self: Shards, *given: np.ndarray) -> None:
        alone.extend(given[-1])
        of_shards(self, *given)

    monkeypatch.setattr(Shards, "_read_alone", read_alone)
    rng = np.random.default_rng(0)
    orders = []
    for _ in range(2):  # epochs
        reads.clear()
        order = np.concatenate([training.order(rng), training.order(rng)])  # as with few clips
        for half in np.split(order, 2):
            assert sorted(half) == list(range(len(training)))
        for start in range(0, len(order), 4):
            batch = order[start : start + 4]
            np.testing.assert_array_equal(training.clips[batch], whole[batch])
            assert in_memory(shards) <= 2 * shards.window_bytes < sum(map(size, shards.files))
        assert len(reads) <= 2 * len(shards.files)
        assert not alone, "nothing of an epoch is read alone"
        orders.append(order)
    assert not np.array_equal(orders[0], orders[1])
    # neighbours come from different files of a window
    of = shards.of[training.clips.rows[orders[0]]]
    assert np.count_nonzero(np.diff(of)) > len(of) / 4


def test_several_machines_have_their_own_clips_and_the_same_labels(
    mixed: Path, tmp_path: Path, prepare: Prepare, small_shards: None
) -> None:
    prepare(mixed, tmp_path / "prepared", hosts=2)
    parts = []
    for host in ("algo-1", "algo-2"):
        shutil.copytree(tmp_path / "prepared" / MANIFEST, tmp_path / host / MANIFEST)
        own = tmp_path / host / "data"
        own.mkdir()
        for shard in (tmp_path / "prepared" / SHARDS).glob(f"*{host}*"):
            shutil.copy(shard, own)
        parts.append(read_dataset(own))
    assert [part.labels for part in parts] == [["high", "low"]] * 2
    assert parts[0].report == parts[1].report
    names = [name for part in parts for name in part.names]
    assert sorted(names) == sorted(read_dataset(mixed).names)
    assert not set(parts[0].names) & set(parts[1].names)


def test_added_changed_and_deleted_files_are_all_that_a_second_time_sees(
    mixed: Path, tmp_path: Path, prepare: Prepare, tone: Tone, small_shards: None
) -> None:
    prepared = tmp_path / "prepared"
    prepare(mixed, prepared)
    before = {file.name: file.stat().st_mtime_ns for file in (prepared / SHARDS).iterdir()}
    assert prepare(mixed, prepared).todo == 0
    for number in range(3):
        soundfile.write(mixed / "low" / f"new-{number}.wav", tone(500, 0.2), 8000)
    soundfile.write(mixed / "low" / "0.wav", tone(2000, 0.3), 8000)
    (mixed / "high" / "1.wav").unlink()
    plan = prepare(mixed, prepared)
    assert (plan.todo, plan.kept, plan.dropped) == (4, 39, 1)
    kept = {file.name: file.stat().st_mtime_ns for file in (prepared / SHARDS).iterdir()}
    assert before.items() < kept.items(), "shards that were there are as they were"
    mine, theirs = read_dataset(prepared / SHARDS), read_dataset(mixed)
    assert mine.names == theirs.names
    assert "low/new-1.wav" in mine.names
    assert "high/1.wav" not in mine.names
    np.testing.assert_array_equal(mine.clips[:], theirs.clips[:])
    # back to what it was: what the first shard holds of it is right again
    (mixed / "low" / "0.wav").unlink()
    soundfile.write(mixed / "low" / "0.wav", tone(300, 0.1, 11_025), 11_025)
    plan = prepare(mixed, prepared)
    assert (plan.todo, plan.kept) == (0, 43)


def test_a_long_recording_is_prepared_piece_by_piece_as_it_would_be_read(
    speech: Path, mixed: Path, tmp_path: Path, prepare: Prepare, small_shards: None
) -> None:
    shutil.copytree(mixed, speech, dirs_exist_ok=True)
    (speech / "long.wav").rename(speech / "low" / "9 words.wav")
    prepared = tmp_path / "prepared"
    plan = prepare(speech, prepared, hosts=2)
    mine, theirs = read_dataset(prepared / SHARDS), read_dataset(speech)
    assert mine.names == theirs.names
    assert sum("9 words.wav#" in name for name in mine.names) == 50
    assert mine.labels == theirs.labels == ["high", "low", "short"]
    np.testing.assert_array_equal(mine.label_ids, theirs.label_ids)
    np.testing.assert_array_equal(mine.clips[:], theirs.clips[:])
    sides = (tuple(side.names) for side in mine.split(0.2))
    assert tuple(sides) == tuple(tuple(side.names) for side in theirs.split(0.2))
    mine.report.notes = [note for note in mine.report.notes if "prepared in" not in note]
    assert mine.report == theirs.report
    again = prepare(speech, prepared)
    assert (again.todo, again.kept, again.dropped) == (0, plan.todo, 0)
    (speech / "low" / "9 words.wav").unlink()
    assert prepare(speech, prepared).dropped == 1
    assert read_dataset(prepared / SHARDS).names == read_dataset(speech).names


def test_a_shard_of_long_recordings_has_several_volumes_of_whole_files(
    speech: Path,
    tmp_path: Path,
    prepare: Prepare,
    small_shards: None,
    streamed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "FILES_AT_ONCE", 1)
    for number in range(9):
        shutil.copy(speech / "long.wav", speech / f"long_{number}.wav")
    prepare(speech, tmp_path / "prepared")
    data = read_dataset(tmp_path / "prepared" / SHARDS)
    assert len(data) == 503
    shards = data.clips.values
    assert isinstance(shards, Shards)
    files = [file.name for file in shards.files]
    assert any(name.endswith("-00000-1.tfrecord") for name in files)
    where = {(file_of(name), int(shards.of[row])) for row, name in enumerate(data.names)}
    assert len(where) == len(dict(where))
    most_of_a_file = max(Counter(map(file_of, data.names)).values()) * data.clips[0].nbytes
    assert max(map(size, shards.files)) < 2 * layout.shard_bytes() + 1.1 * most_of_a_file
    theirs = read_dataset(speech)
    rows = np.array([data.names.index(name) for name in theirs.names])
    np.testing.assert_array_equal(data.clips[:][rows], theirs.clips[:])


def test_shards_are_tfrecords_that_say_where_each_clip_came_from(
    mixed: Path, tmp_path: Path, prepare: Prepare
) -> None:
    prepare(mixed, tmp_path / "prepared")
    (shard,) = (tmp_path / "prepared" / SHARDS).iterdir()
    data = read_dataset(tmp_path / "prepared" / SHARDS)
    features = {
        "name": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.string),
        "etag": tf.io.FixedLenFeature([], tf.string),
        "length": tf.io.FixedLenFeature([], tf.int64),
        "shape": tf.io.FixedLenFeature([2], tf.int64),
        "values": tf.io.FixedLenFeature([], tf.string),
    }
    seen = 0
    for record in tf.data.TFRecordDataset(str(shard)):
        found = tf.io.parse_single_example(record, features)
        number = data.names.index(found["name"].numpy().decode())
        assert found["label"].numpy().decode() == data.labels[data.label_ids[number]]
        assert len(found["etag"].numpy()) == 32
        clip = tf.reshape(tf.io.decode_raw(found["values"], tf.float16), found["shape"])
        assert clip.shape[0] <= data.transform.frames
        np.testing.assert_array_equal(clip, data.clips[number][: clip.shape[0]])
        assert not data.clips[number][clip.shape[0] :].any(), "the silence is left out"
        seen += 1
    assert seen == len(data)


def test_other_settings_than_it_was_prepared_with_are_refused(
    mixed: Path, tmp_path: Path, prepare: Prepare
) -> None:
    shards = tmp_path / "prepared" / SHARDS
    prepare(mixed, tmp_path / "prepared")
    data = read_dataset(shards)
    assert read_dataset(shards, trim_db=TRIM_DB, **data.transform.how_to_read()).names == data.names
    for name, value in {"sample_rate": 11_025, "n_fft": 512, "trim_db": 60.0}.items():
        with pytest.raises(DataError, match=f"{name} is {value}, and the sounds in .* prepared"):
            read_dataset(shards, **{name: cast(Any, value)})
    with pytest.raises(DataError, match=r"cut_long is true, and the sounds in .* without it"):
        read_dataset(shards, cut_long=True)
    with pytest.raises(DataError, match="clip_seconds is 2, and the sounds in"):
        read_dataset(shards, clip_seconds=2.0)


def test_a_damaged_shard_is_one_sentence(
    mixed: Path, tmp_path: Path, prepare: Prepare, streamed: None
) -> None:
    prepare(mixed, tmp_path / "prepared")
    (shard,) = (tmp_path / "prepared" / SHARDS).iterdir()
    shard.write_bytes(b"\0" * shard.stat().st_size)
    with pytest.raises(DataError, match=r"\.tfrecord is damaged: delete it"):
        read_dataset(tmp_path / "prepared" / SHARDS).clips[:]


def test_a_manifest_of_another_format_asks_for_preparing_anew(
    mixed: Path, tmp_path: Path, prepare: Prepare
) -> None:
    prepare(mixed, tmp_path / "prepared")
    file = tmp_path / "prepared" / MANIFEST / "framing.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 0}))
    with pytest.raises(DataError, match="another version of this program"):
        read_dataset(tmp_path / "prepared" / SHARDS)
    assert (tmp_path / "prepared" / MANIFEST / PARTS).is_dir()
