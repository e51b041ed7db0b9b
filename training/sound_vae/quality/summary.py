"""summary.json: what came of a run, for whoever started it.

    {"figures": {"val_loss": -2.5, ...},
     "comparison": null or {"comparable": true, "why": "on the 8 labels that both know"},
     "data": {"files": 35, "clips": 30, "padded": 3, "cropped": 2,
              "cut": {"files": 0, "clips": 0},
              "skipped": [{"reason": "empty file", "files": 5, "example": "a.wav"}],
              "labels": {"seven": 30}, "sample_rate": 8000, "clip_seconds": 0.77,
              "source_rates": {"8000": 30}, "warnings": ["..."]}}

`figures` are those of metrics.json. `comparison` is null when no served model was given. At most
`MOST_LABELS` labels are named; `more_labels` is the number of the others. The file stays below
64 KB whatever the data holds.
"""

import json
import os
from pathlib import Path
from typing import Any

from sound_vae.data.dataset import Dataset
from sound_vae.quality.compare_served import Comparison

FILE = "summary.json"
MOST_LABELS, MOST_REASONS, MOST_RATES = 100, 20, 50
LONGEST = 250  # characters of a reason or a file name


def write_summary(
    folder: Path, figures: dict[str, float], comparison: Comparison | None, data: Dataset
) -> None:
    """Write the file, whole or not at all: whoever reads it meanwhile finds the former one.

    Raises OSError when the folder cannot be written to.
    """
    content = {
        "figures": figures,
        "comparison": comparison and {"comparable": comparison.comparable, "why": comparison.why},
        "data": _about(data),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.unfinished"
    with unfinished.open("wb") as file:
        file.write(text.encode("utf-8", "replace"))  # a file name may be no text at all
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE)


def _about(data: Dataset) -> dict[str, Any]:
    report = data.report
    reasons = list(report.reasons())[:MOST_REASONS]
    labels = dict(list(report.labels.items())[:MOST_LABELS])
    about: dict[str, Any] = {
        "files": report.files,
        "clips": report.kept,
        "padded": report.padded,
        "cropped": report.cropped,
        "cut": {"files": report.cut, "clips": report.pieces},
        "skipped": [
            {"reason": _short(reason), "files": files, "example": _short(example)}
            for reason, files, example in reasons
        ],
        "labels": labels,
        "sample_rate": data.transform.sample_rate,
        "clip_seconds": round(data.transform.seconds, 3),
        "source_rates": {str(rate): n for rate, n in report.source_rates.most_common(MOST_RATES)},
        "warnings": report.warnings,
    }
    if len(report.labels) > len(labels):
        about["more_labels"] = len(report.labels) - len(labels)
    return about


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
