"""What became of every file in the data folder, and the one kind of error that a user can mend."""

from collections import Counter
from dataclasses import dataclass, field


class DataError(Exception):
    """The data cannot be trained on; the message is a sentence for whoever can mend it."""


@dataclass
class DataReport:
    """Counts of clips and files; its text goes to the log."""

    kept: int = 0
    padded: int = 0
    cropped: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (file, reason)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"clips kept: {self.kept} (padded: {self.padded}, cropped: {self.cropped}), "
            f"files skipped: {len(self.skipped)}"
        ]
        for reason, count in Counter(reason for _, reason in self.skipped).most_common():
            example = next(name for name, why in self.skipped if why == reason)
            lines.append(f"  skipped {count}: {reason}, e.g. {example}")
        return "\n".join(lines + [f"  {note}" for note in self.notes])
