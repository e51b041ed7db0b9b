"""Very many names take little memory, and are read like a list."""

import tracemalloc

import numpy as np
import pytest

from sound_vae.data.names import Names

ODD = ["", "a", "grün/日本.wav", "zwei\nZeilen", "lone \udcfc", "a"]


def test_names_are_read_like_a_list() -> None:
    names = Names(ODD)
    assert list(names) == ODD == names
    assert names != ODD[:-1]
    assert names != [*ODD[:-1], "b"]
    assert (names[2], names[-1], len(names)) == (ODD[2], ODD[-1], len(ODD))
    assert names[1:3] == ODD[1:3]
    assert "a" in names
    assert names.index("a") == 1
    for beyond in (len(ODD), -len(ODD) - 1):
        with pytest.raises(IndexError, match="there are 6 names"):
            names[beyond]


def test_a_selection_of_a_selection_is_one() -> None:
    chosen = Names(ODD)[np.array([5, 3, 1, 2])][np.array([False, True, False, True])]
    assert chosen == [ODD[3], ODD[2]]
    assert Names.of(chosen) is chosen
    with pytest.raises(TypeError, match="a selection of names cannot be added to"):
        chosen.append("b")


def test_a_name_takes_little_more_than_its_letters() -> None:
    many, letters = 50_000, 30
    tracemalloc.start()
    names = Names(f"{number:0{letters}}" for number in range(many))
    chosen = names[np.arange(many)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == many
    assert size < many * (letters + 8 + 8 + 8)  # an end, a row, and room to grow
