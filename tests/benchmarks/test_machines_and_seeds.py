"""Runs that differ by chance are told from runs that differ by their machines."""

from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks import machines_and_seeds
from benchmarks.machines_and_seeds import FIGURES, section, share


def runs(seed: int, worse: float = 0.0) -> dict[int, list[dict[str, float]]]:
    """Figures of three seeds on one, two and four machines; `worse` on four."""
    rng = np.random.default_rng(seed)

    def run(offset: float) -> dict[str, float]:
        return {name: float(1 + offset + 0.01 * rng.standard_normal()) for name in FIGURES}

    return {n: [run(worse if n == 4 else 0.0) for _ in range(3)] for n in (1, 2, 4)}


def test_chance_alone_is_hardly_ever_told_from_it_and_a_real_difference_is() -> None:
    by_chance = ["Nothing differs" in section(runs(seed), "draft").remarks for seed in range(40)]
    assert sum(by_chance) >= 36, "one of twenty may be told apart"
    found = section(runs(0, worse=0.2), "draft").remarks
    assert all(f"`{name}` on 4" in found for name in FIGURES)
    assert "on 2" not in found


def test_what_is_the_same_everywhere_differs_nowhere() -> None:
    same = {machines: [dict.fromkeys(FIGURES, 0.0)] * 2 for machines in (1, 2)}
    assert "Nothing differs" in section(same, "draft").remarks


def test_every_sound_has_one_machine_and_no_machine_more_than_another(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    names = [f"{number}.wav" for number in range(10)]
    for name in names:
        (data / name).touch()
    folders = share(data, names, tmp_path / "shares", 4)
    found = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert sorted(map(len, found)) == [2, 2, 3, 3]
    assert sorted(chain.from_iterable(found)) == names


def test_the_page_shows_each_figure_for_each_number_of_machines() -> None:
    told = section(*machines_and_seeds.kept())
    assert told.columns == ("", "one machine", "2 machines", "4 machines")
    page = told.to_markdown()
    assert all(f"| `{name}` |" in page for name in FIGURES)
    assert page.count("±") >= len(FIGURES), "of one machine"
