"""What was done with every file in the data folder, and the error that a user can fix."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sound_vae.log import sentence


class DataError(Exception):
    """The data cannot be trained on; the message is a sentence for whoever can fix it."""


@dataclass
class DataReport:
    """Counts of files and clips, and warnings in sentences; its text goes to the log."""

    files: int = 0
    kept: int = 0
    padded: int = 0
    cropped: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (file, reason)
    labels: dict[str, int] = field(default_factory=dict)  # clips of each label
    source_rates: Counter[int] = field(default_factory=Counter)  # Hz, to kept files that have it
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # what its owner should know

    @classmethod
    def merged(cls, parts: Sequence[Mapping[str, Any]]) -> Self:
        """Add up what several machines did with their shares, as `to_json` of each says it.

        What they agreed on, they all say; it is taken from the first.
        """
        report = cls(**{**parts[0], "source_rates": Counter(), "skipped": []})
        for name in ("files", "kept", "padded", "cropped"):
            setattr(report, name, sum(part[name] for part in parts))
        for part in parts:
            report.skipped += [(name, reason) for name, reason in part["skipped"]]
            report.source_rates += Counter({int(r): n for r, n in part["source_rates"].items()})
        return report

    def to_json(self) -> dict[str, Any]:
        """Give the fields as JSON can hold them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def on(cls, files: Sequence[str], refused: Sequence[tuple[str, str]]) -> Self:
        """Begin with these files, and those that were skipped by their names, with the reason."""
        return cls(files=len(files) + len(refused), skipped=list(refused))

    def reasons(self) -> Iterator[tuple[str, int, str]]:
        """Yield why files were skipped: reason, count and first file, the most frequent first."""
        for reason, count in Counter(reason for _, reason in self.skipped).most_common():
            yield reason, count, next(name for name, why in self.skipped if why == reason)

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
