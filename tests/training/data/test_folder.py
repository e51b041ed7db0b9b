"""Very large folders are listed in the same order as small ones, in little memory."""

import tracemalloc
from pathlib import Path

import pytest

from sound_vae.data.folder import visible_files

ODD = [
    "b.wav",
    "a.wav",
    "a/z.wav",
    "a/b/c.wav",
    "a-1.wav",
    "A.wav",
    "é.wav",
    "日/本.wav",
    "a b.wav",
]


def test_the_order_is_that_of_the_parts_of_a_path(tmp_path: Path) -> None:
    for name in ODD:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    files, refused = visible_files(tmp_path)
    assert files == sorted(ODD, key=lambda name: name.split("/"))
    assert len(refused) == 0


@pytest.mark.parametrize("at_once", [1, 7, 50, 51])
def test_a_folder_that_is_sorted_in_runs_has_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    for number in range(50):
        (tmp_path / f"{number * 7 % 50}.wav").touch()
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "x.wav").touch()
    (tmp_path / "link").symlink_to("/nowhere")
    whole = visible_files(tmp_path)
    monkeypatch.setattr("sound_vae.data.folder.ENTRIES", at_once)
    runs = visible_files(tmp_path)
    assert runs[0] == whole[0]
    assert list(runs[1]) == list(whole[1]) == [("link", "a link that leads nowhere")]
    assert len(runs[0]) == 51


def test_listing_takes_little_more_than_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sound_vae.data.folder.ENTRIES", 500)
    many, letters = 20_000, 34
    for number in range(many):
        (tmp_path / f"{number:030}.wav").touch()
    tracemalloc.start()
    files, _ = visible_files(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(files) == many
    assert peak < many * (2 * (letters + 8) + 30) + 500_000  # runs, and what they are merged to
