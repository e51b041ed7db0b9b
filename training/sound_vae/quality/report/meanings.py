"""What each figure of a run means, and from where on it is good: the one table of it.

The meanings themselves are those of training/metrics.json, but for what is said more plainly here.
The limits come from what is known of this program's models (docs/model.md): spoken digits get 1.5,
0.9 dB and 0.70 of the first three, real sounds that nobody changed 1, 0.1 dB and 0.5, and models
that everybody hears to be dull 3.0, 8.5 dB and 1.00.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

METRICS = Path(__file__).parents[3] / "metrics.json"
GOOD, FAIR, POOR = "good", "fair", "poor"
ACCURACY_LOST, ACCURACY_LOST_POOR = 0.05, 0.2  # against real sounds


@dataclass(frozen=True)
class Scale:
    """Where a figure is good and where it is poor; in between it is fair."""

    title: str
    unit: str = ""
    good: tuple[float, float] = (float("-inf"), float("inf"))  # from, to
    fair: tuple[float, float] = (float("-inf"), float("inf"))
    plainly: str = ""  # what it means, where metrics.json speaks to those who know the others

    def grade(self, value: float) -> str:
        """Tell how good a value is."""
        if self.good[0] <= value <= self.good[1]:
            return GOOD
        return FAIR if self.fair[0] <= value <= self.fair[1] else POOR

    def in_words(self) -> str:
        """Say where it is good."""
        return (
            f"good {_range(*self.good)}, poor {_beyond(*self.fair)}{self.unit and ' '}{self.unit}"
        )


SCALES = {
    "frechet_ratio": Scale(
        "Distance from real sounds",
        "times",
        (0, 2),
        (0, 4),
        "how far new sounds lie from recordings, over how far recordings lie from each other; 1 is "
        "as close as real sounds are",
    ),
    "modulation_db": Scale("Fine structure lost", "dB", (0, 2), (0, 5)),
    "told_apart": Scale("Told from real sounds", "", (0, 0.85), (0, 0.97)),
    "diversity": Scale("Variety", "times", (0.8, 1.25), (0.6, 1.6)),
    "nearest": Scale("Distance from the nearest recording", "times", (0.8, 1.5), (0.5, 2.5)),
    "copies": Scale("Copies of recordings", "", (0, 0.03), (0, 0.1)),
    "reconstruction_db": Scale("Error of coding and decoding", "dB", (0, 7), (0, 12)),
}
TITLES = {
    "accuracy": "Heard as the right label",
    "val_loss": "Validation loss",
    "mse": "Squared error",
    "kl": "Divergence",
}
MAIN = ("accuracy", *SCALES)  # what a listener hears; all others are details


def meanings() -> dict[str, str]:
    """Name to what the figure means, of all that a run can print."""
    said = json.loads(METRICS.read_text(encoding="utf-8"))["metrics"]
    return said | {name: scale.plainly for name, scale in SCALES.items() if scale.plainly}


def grade(name: str, metrics: Mapping[str, float]) -> str:
    """Tell how good a figure of a run is; "" for one that is neither good nor bad by itself."""
    if name == "accuracy":
        lost = metrics.get("real_accuracy", 1.0) - metrics[name]
        return GOOD if lost <= ACCURACY_LOST else FAIR if lost <= ACCURACY_LOST_POOR else POOR
    return SCALES[name].grade(metrics[name]) if name in SCALES else ""


def what_is_good(name: str) -> str:
    """Say in words where a figure is good; "" for one that is neither good nor bad by itself."""
    if name == "accuracy":
        return (
            f"good within {ACCURACY_LOST:g} of what the recogniser makes of real sounds, poor more "
            f"than {ACCURACY_LOST_POOR:g} below"
        )
    return SCALES[name].in_words() if name in SCALES else ""


def title(name: str) -> str:
    """Name a figure as people would."""
    if name in SCALES:
        return SCALES[name].title
    return TITLES.get(name, name.replace("_", " "))


def _range(low: float, high: float) -> str:
    return f"up to {high:g}" if low <= 0 else f"from {low:g} to {high:g}"


def _beyond(low: float, high: float) -> str:
    return f"above {high:g}" if low <= 0 else f"below {low:g} or above {high:g}"
