"""Very many strings in little memory: 39 bytes for a name of 30 letters, not the 87 of a list."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np


class Names(Sequence[str]):
    """Strings one after the other in one buffer; to be read, and added to at the end.

    names = Names(["a.wav", "b.wav"])
    names[np.array([1])]    # a selection, which takes 8 bytes for each
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._text, self._ends = bytearray(), array("q", [0])
        self._rows: np.ndarray | None = None  # of a selection; None for all
        for name in names:
            self.append(name)

    @classmethod
    def of(cls, names: Sequence[str]) -> "Names":
        """Return them as they are, or in a buffer."""
        return names if isinstance(names, cls) else cls(names)

    def append(self, name: str) -> None:
        """Add one at the end; a selection cannot be added to."""
        if self._rows is not None:
            raise TypeError("a selection of names cannot be added to")
        self._text += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends) - 1 if self._rows is None else len(self._rows)

    def __iter__(self) -> Iterator[str]:
        for row in range(len(self._ends) - 1) if self._rows is None else self._rows:
            yield self._name(row)

    @overload
    def __getitem__(self, which: int) -> str: ...
    @overload
    def __getitem__(self, which: "slice | np.ndarray") -> "Names": ...
    def __getitem__(self, which: "int | slice | np.ndarray") -> "str | Names":
        if isinstance(which, slice | np.ndarray):
            chosen = Names()
            chosen._text, chosen._ends = self._text, self._ends
            rows = np.arange(len(self)) if self._rows is None else self._rows
            chosen._rows = rows[which]
            return chosen
        number = which + len(self) if which < 0 else which
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} names")
        return self._name(number if self._rows is None else self._rows[number])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Names({list(self)})"

    def _name(self, row: int) -> str:
        return self._text[self._ends[row] : self._ends[row + 1]].decode("utf-8", "surrogatepass")
