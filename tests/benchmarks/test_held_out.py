"""What is kept away from training is what was named, and never nothing or everything."""

import sys
from pathlib import Path

import pytest

from benchmarks.held_out import divide, kept_away, main

NAMES = [f"{word}/{word}_ann_{take}.wav" for word in ("one", "two") for take in range(12)]


def test_takes_are_kept_away_by_their_number() -> None:
    away = kept_away(NAMES, "0-4", 0)
    assert away == {name for name in NAMES if name[-5] in "01234" and name[-6] == "_"}
    assert kept_away(NAMES, "11", 0) == {"one/one_ann_11.wav", "two/two_ann_11.wav"}


def test_without_takes_a_tenth_of_each_label_is_by_chance() -> None:
    names = [f"{label}/{i:03}.wav" for label, count in (("a", 40), ("b", 20)) for i in range(count)]
    drawn = [kept_away(names, None, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    for away in drawn:
        assert [sum(name.startswith(label) for name in away) for label in "ab"] == [4, 2]


def test_a_label_with_few_sounds_is_not_lost() -> None:
    names = [*(f"a/{i}.wav" for i in range(30)), "b/0.wav", "b/1.wav"]
    assert not any(name.startswith("b/") for name in kept_away(names, None, 0))


def test_no_file_is_in_both_folders(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in NAMES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    folders = divide(data, kept_away(NAMES, "0-4", 0), NAMES, tmp_path / "parts")
    found = [{str(f.relative_to(part)) for f in part.rglob("*.wav")} for part in folders]
    assert (len(found[0] | found[1]), len(found[0] & found[1])) == (24, 0)
    assert len(found[1]) == 10


@pytest.mark.parametrize(
    ("takes", "words"),
    [
        ("90-99", "0 of 1 sounds would be kept away"),
        ("many", "--takes is 'many': it must be FROM-TO"),
    ],
)
def test_a_mistake_is_a_sentence(
    tmp_path: Path,
    takes: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a_0.wav").touch()
    monkeypatch.setattr(sys, "argv", ["held_out", "--data", str(tmp_path), "--takes", takes])
    with pytest.raises(SystemExit):
        main()
    assert words in capsys.readouterr().err
