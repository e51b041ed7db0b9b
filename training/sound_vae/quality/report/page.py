"""report.html: one file without a script and without anything from elsewhere.

All that comes from files' names, labels and settings is escaped, and a Content-Security-Policy
forbids scripts and requests besides.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from sound_vae.quality.report.curves_section import curves_section
from sound_vae.quality.report.data_section import data_section
from sound_vae.quality.report.examples import Example
from sound_vae.quality.report.figures_section import figures_section
from sound_vae.quality.report.hearing import Hearing
from sound_vae.quality.report.labels_section import labels_section, map_section
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.settings_section import effort_section, settings_section
from sound_vae.quality.report.sounds_section import sounds_section
from sound_vae.quality.report.svg import text
from sound_vae.quality.report.verdict import Verdict

STYLE = Path(__file__).with_name("style.css")
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


def page(run: Run, judged: Verdict, heard: Hearing | None, shown: Sequence[Example]) -> str:
    """Put all sections together."""
    sections = [
        head(run, judged),
        figures_section(run),
        sounds_section(run, shown),
        labels_section(heard, run),
        map_section(run),
        curves_section(run),
        data_section(run),
        settings_section(run),
        effort_section(run),
    ]
    style = STYLE.read_text(encoding="utf-8")
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>Training report</title><style>{style}</style></head><body>"
        f"{''.join(sections)}</body></html>\n"
    )


def head(run: Run, judged: Verdict) -> str:
    """Say in a sentence what it is, and in another how good."""
    transform, labels = run.model.transform, run.model.labels
    kind = f"of {len(labels)} labels" if labels else "without labels"
    about = (
        f"A model that makes sounds {kind}, of at most {transform.seconds:.2f} s at "
        f"{transform.sample_rate:,} Hz, learnt from {len(run.training):,} recordings in "
        f"{len(run.history)} epochs."
    )
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    warnings = "".join(f"<li>{text(warning)}" for warning in run.data.report.warnings)
    notes = f"<h3>What you should know of the data</h3><ul>{warnings}</ul>" if warnings else ""
    return (
        f"<header><h1>Training report</h1><p class='kind'>{about} Written {date}.</p>"
        f"<p class='verdict {judged.grade}'>{text(judged.sentence)}</p>{notes}</header>"
    )
