"""What was done with every file in the data folder, and the error that a user can fix."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sound_vae.log import sentence

EXAMPLES = 100  # names that are kept for each reason
MOST_REASONS = 1000  # that are told apart
OTHER_REASON = "one of many more reasons"


class DataError(Exception):
    """The data cannot be trained on; the message is a sentence for whoever can fix it."""


class Skipped:
    """How many files were skipped for each reason, and which were the first ones.

    Iterating gives (file, reason), of each reason at most EXAMPLES; the length is that of all.
    """

    def __init__(self, skipped: Iterable[tuple[str, str]] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._examples: list[tuple[str, str]] = []
        self.extend(skipped)

    def append(self, skipped: tuple[str, str]) -> None:
        """Count a file, given with the reason."""
        name, reason = skipped[0], self._told_apart(skipped[1])
        self.counts[reason] += 1
        if self.counts[reason] <= EXAMPLES:
            self._examples.append((name, reason))

    def extend(self, skipped: Iterable[tuple[str, str]]) -> None:
        """Count several; of what was counted elsewhere, all that was counted there."""
        for one in skipped:
            self.append(one)
        if isinstance(skipped, Skipped):
            for reason, more in (skipped.counts - Counter(why for _, why in skipped)).items():
                self.counts[self._told_apart(reason)] += more

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Take what `to_json` of another gave."""
        skipped = cls((name, reason) for name, reason in told["examples"])
        skipped.counts = Counter(told["counts"])
        return skipped

    def to_json(self) -> dict[str, Any]:
        """Give counts and examples as JSON can hold them."""
        return {"counts": dict(self.counts), "examples": self._examples}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Skipped):
            return NotImplemented
        examples = sorted(self._examples) == sorted(other._examples)
        return self.counts == other.counts and examples

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._examples)

    def __getitem__(self, number: int) -> tuple[str, str]:
        return self._examples[number]

    def examples(self) -> dict[str, list[str]]:
        """Give the names for each reason, the most frequent reason first."""
        found: dict[str, list[str]] = {reason: [] for reason, _ in self.counts.most_common()}
        for name, reason in self._examples:
            found[reason].append(name)
        return found

    def _told_apart(self, reason: str) -> str:
        full = len(self.counts) >= MOST_REASONS and reason not in self.counts
        return OTHER_REASON if full else reason


@dataclass
class DataReport:
    """Counts of files and clips, and warnings in sentences; its text goes to the log."""

    files: int = 0
    kept: int = 0  # clips
    padded: int = 0
    cropped: int = 0
    cut: int = 0  # files that were cut into several clips
    pieces: int = 0  # clips that they were cut into
    skipped: Skipped = field(default_factory=Skipped)
    labels: dict[str, int] = field(default_factory=dict)  # clips of each label
    source_rates: Counter[int] = field(default_factory=Counter)  # Hz, to kept files that have it
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # what its owner should know

    @classmethod
    def merged(cls, parts: Sequence[Mapping[str, Any]]) -> Self:
        """Add up what several machines did with their shares, as `to_json` of each says it.

        What they agreed on, they all say; it is taken from the first.
        """
        report = cls(**{**parts[0], "source_rates": Counter(), "skipped": Skipped()})
        for name in ("files", "kept", "padded", "cropped", "cut", "pieces"):
            setattr(report, name, sum(part[name] for part in parts))
        for part in parts:
            report.skipped.extend(Skipped.from_json(part["skipped"]))
            report.source_rates += Counter({int(r): n for r, n in part["source_rates"].items()})
        return report

    def to_json(self) -> dict[str, Any]:
        """Give the fields as JSON can hold them."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told | {"skipped": self.skipped.to_json()}

    @classmethod
    def on(cls, files: Collection[str], refused: "Skipped | Collection[tuple[str, str]]") -> Self:
        """Begin with these files, and those that were skipped by their names, with the reason."""
        return cls(files=len(files) + len(refused), skipped=Skipped(refused))

    @property
    def used(self) -> int:
        """Number of files that clips were made of."""
        return self.kept - self.pieces + self.cut

    def reasons(self) -> Iterator[tuple[str, int, str]]:
        """Yield why files were skipped: reason, count and first file, the most frequent first."""
        for reason, names in self.skipped.examples().items():
            yield reason, self.skipped.counts[reason], names[0]

    def __str__(self) -> str:
        lines = [
            f"clips kept: {self.kept} (padded: {self.padded}, cropped: {self.cropped}), "
            f"files skipped: {len(self.skipped)}"
        ]
        for reason, count, example in self.reasons():
            lines.append(f"  skipped {count}: {reason}, e.g. {example}")
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(map(sentence, lines))
