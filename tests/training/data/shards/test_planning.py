"""A plan finds what is new, whatever else lies in the folder, and memory does not grow with it."""

import json
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sound_vae.data.long_recordings import Part
from sound_vae.data.report import DataError
from sound_vae.data.shards.layout import S3_MANIFEST
from sound_vae.data.shards.part import Clip, Entry, Head, read_head, read_part, write_part
from sound_vae.data.shards.planning import MOST_LOOKED_AT, Listed, Sample, make_plan, read_todo

CLIP = Clip(0, 10, 3, 800, 8000, 1)
PREFIX = "s3://bucket/audio/"


def plain(names: list[str]) -> list[Listed]:
    return [Listed(name, "1") for name in names]


def test_a_first_plan_names_every_sound_in_an_order_without_meaning(tmp_path: Path) -> None:
    names = [f"{label}/{number:03}.wav" for label in "ab" for number in range(100)]
    plan = make_plan(plain(names), [], tmp_path, PREFIX)
    assert (plan.files, plan.sounds, plan.todo) == (200, 200, 200)
    todo = [file.name for file in read_todo(tmp_path)]
    assert sorted(todo) == names
    labels = [name[0] for name in todo]
    assert 30 < labels[:100].count("a") < 70, "whoever reads on meets all labels"
    first, *manifest = json.loads((tmp_path / S3_MANIFEST).read_text())
    assert first == {"prefix": PREFIX}
    assert manifest == todo


def test_hidden_files_are_passed_by_and_others_named_with_their_reason(tmp_path: Path) -> None:
    names = [".hidden/a.wav", "..", "../b.wav", "a//b.wav", "a.wav", "notes", "notes.txt"]
    plan = make_plan(plain(sorted(names)), [], tmp_path, PREFIX)
    assert [file.name for file in read_todo(tmp_path)] == ["a.wav"]
    assert plan.others == [
        ("..", "its key is no path below the folder"),
        ("../b.wav", "its key is no path below the folder"),
        ("a//b.wav", "its key is no path below the folder"),
        ("notes", "a file without an ending is not a sound"),
        ("notes.txt", ".txt is not a sound"),
    ]


def test_what_was_skipped_before_is_not_tried_again_until_it_changes(tmp_path: Path) -> None:
    part = tmp_path / "s.tfrecord.jsonl"
    write_part(part, Head("s.tfrecord", 10), [("a.wav", "1", CLIP), ("b.wav", "1", "empty file")])
    assert make_plan(plain(["a.wav", "b.wav"]), [part], tmp_path, PREFIX).todo == 0
    changed = [Listed("a.wav", "1"), Listed("b.wav", "2")]
    plan = make_plan(changed, [part], tmp_path, PREFIX)
    assert [file.name for file in read_todo(tmp_path)] == ["b.wav"]
    assert {shard: rows.tolist() for shard, rows in plan.stale.items()} == {"s.tfrecord": [1]}


def test_a_file_that_two_executions_prepared_counts_once(tmp_path: Path) -> None:
    parts = []
    for shard in ("one", "two"):
        parts.append(tmp_path / f"{shard}.jsonl")
        write_part(parts[-1], Head(shard, 10), [("a.wav", "1", CLIP)])
    plan = make_plan(plain(["a.wav"]), parts, tmp_path, PREFIX)
    assert (plan.todo, plan.kept, plan.dropped) == (0, 1, 0)
    assert sum(map(len, plan.stale.values())) == 1


def test_a_file_that_was_cut_has_several_lines_that_stay_or_go_together(tmp_path: Path) -> None:
    pieces = [CLIP._replace(part=Part(start, start + 1)) for start in (2.0, 9.5, 12.25)]
    lines = [("a.wav", "1", piece) for piece in pieces] + [("a.wav!", "1", "silent")]
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    write_part(one, Head("one", 10), lines)
    write_part(two, Head("two", 10), lines[:2])
    assert [entry.clip for entry in read_part(one)][:3] == pieces
    plan = make_plan(plain(["a.wav"]), [one, two], tmp_path, PREFIX)
    assert (plan.todo, plan.kept, plan.dropped) == (0, 1, 1)
    assert {shard: rows.tolist() for shard, rows in plan.stale.items()} == {
        "one": [3],
        "two": [0, 1],
    }
    plan = make_plan([Listed("a.wav", "2")], [one], tmp_path, PREFIX)
    assert (plan.todo, plan.kept) == (1, 0)
    assert {shard: rows.tolist() for shard, rows in plan.stale.items()} == {"one": [0, 1, 2, 3]}


def test_a_listing_out_of_order_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not listed in order: a\.wav after b\.wav"):
        make_plan(plain(["b.wav", "a.wav"]), [], tmp_path, PREFIX)


def test_a_part_comes_back_line_by_line_in_the_order_of_the_names(tmp_path: Path) -> None:
    file = tmp_path / "part.jsonl"
    write_part(file, Head("s.tfrecord", 42), [("ü.wav", "2", "silent"), ("a.wav", "1", CLIP)])
    assert read_head(file) == Head("s.tfrecord", 42)
    assert list(read_part(file)) == [
        Entry("a.wav", "1", "s.tfrecord", 0, CLIP),
        Entry("ü.wav", "2", "s.tfrecord", 1, None, "silent"),
    ]


@pytest.mark.parametrize("count", [10, MOST_LOOKED_AT, 3 * MOST_LOOKED_AT])
def test_a_sample_has_equal_distances_and_is_all_if_there_are_few(count: int) -> None:
    sample = Sample(MOST_LOOKED_AT)
    for number in range(count):
        sample.see(str(number))
    numbers = [int(name) for name in sample.names]
    assert len({later - earlier for earlier, later in pairwise(numbers)}) == 1
    assert len(numbers) == count if count <= MOST_LOOKED_AT else len(numbers) > MOST_LOOKED_AT / 2
    assert len(numbers) <= MOST_LOOKED_AT


def test_memory_does_not_grow_with_the_listing(tmp_path: Path) -> None:
    def names(count: int) -> Iterator[str]:
        return (f"folder/{number:07}.wav" for number in range(count))

    def peak(count: int) -> int:
        """Bytes of a plan for so many files, half of which were prepared before."""
        part = tmp_path / f"{count}.jsonl"
        write_part(part, Head("s", 1), ((name, "1", CLIP) for name in names(count // 2)))
        tracemalloc.start()
        plan = make_plan((Listed(name, "1") for name in names(count)), [part], tmp_path, PREFIX)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert plan.todo == plan.kept == count // 2
        return found

    few, many = peak(2 * MOST_LOOKED_AT), peak(8 * MOST_LOOKED_AT)
    assert many < few + 3 * 2**20, "buffers of files, half of what the names alone would take"
