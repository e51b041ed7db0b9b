"""What came out of a run, to look at and to listen to: report.html, report.json, samples/.

    write_run_report(folder, Run(args, data, training, validation, model, history, metrics))

The page holds everything in itself, so that it can be sent to somebody and opens offline.
"""

import json
from pathlib import Path

from sound_vae.file_name import plain
from sound_vae.quality.report import page
from sound_vae.quality.report.examples import examples
from sound_vae.quality.report.hearing import Hearing, hear
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.verdict import verdict
from sound_vae.serving.served_model import ServedModel

MOST_LABELS = 40  # that get a sound of their own


def write_run_report(folder: Path, run: Run) -> None:
    """Write the files into `folder`, with a sound of each label as callers would get it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_samples(folder / "samples", run.model)
    heard = None
    if run.recogniser and run.training.labels:
        heard = hear(run.model, run.training.labelled(), run.recogniser, run.args.seed)
    judged = verdict(run.metrics, heard, run.why_no_figures)
    shown = examples(run)
    text = page.page(run, judged, heard, shown)
    (folder / "report.html").write_text(text, encoding="utf-8")
    content = {
        "metrics": run.metrics,
        "history": run.history,
        "labels": run.model.labels,
        "verdict": judged.sentence,
        "heard": heard and as_json(heard),
        "seconds": round(run.seconds, 1),
    }
    (folder / "report.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_samples(folder: Path, model: ServedModel) -> None:
    """Write a WAV file of each label, or of one sound where there are none."""
    folder.mkdir(exist_ok=True)
    labels = model.labels[:MOST_LABELS] or [""]
    wavs = model.sample(labels, range(len(labels))).wavs
    for number, (label, wav) in enumerate(zip(labels, wavs, strict=True)):
        (folder / f"{number:02}_{plain(label)}.wav").write_bytes(wav)


def as_json(heard: Hearing) -> dict[str, object]:
    """Give what the recogniser heard for report.json; the last column counts other labels."""
    return {
        "labels": heard.labels,
        "confusion": heard.confusion.tolist(),
        "variety": {label: round(share, 3) for label, share in heard.variety.items()},
    }
