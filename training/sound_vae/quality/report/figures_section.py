"""The section of figures: each with what it means and what is good, or why there are none."""

from sound_vae.quality.report.meanings import MAIN, grade, meanings, title, what_is_good
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import text
from sound_vae.quality.report.words import as_sentence, number


def figures_section(run: Run) -> str:
    """Show what a listener would notice as tiles, and all other figures in a table."""
    metrics, about = run.metrics, meanings()
    tiles = []
    for name in MAIN:
        if name in metrics:
            level = grade(name, metrics)
            tiles.append(
                f"<li><span>{text(title(name))}</span><b>{number(metrics[name])}</b>"
                f"<span class='mark {level}'>{level}</span>"
                f"<small>{text(as_sentence(about.get(name, '')))} "
                f"{text(as_sentence(what_is_good(name)))}</small>"
            )
    missing = f"<p class='note'>{text(as_sentence(run.why_no_figures))}</p>"
    if not run.model.labels:
        missing += (
            "<p class='note'>Without labels nothing can be heard as the right one or not: there is "
            "no accuracy.</p>"
        )
    rows = "".join(
        f"<tr><td><code>{text(name)}</code><td class='value'>{number(value)}"
        f"<td class='long'>{text(about.get(name, ''))}"
        for name, value in metrics.items()
        if name not in ("comparable", *MAIN)
    )
    return (
        "<section><h2>How good it sounds</h2>"
        f"{missing if run.why_no_figures or not run.model.labels else ''}"
        f"<ul class='tiles'>{''.join(tiles)}</ul>{_compared(run)}"
        "<details><summary>All other figures</summary><div class='wide'><table>"
        f"<tr><th>figure<th>value<th>what it is{rows}</table></div></details></section>"
    )


def _compared(run: Run) -> str:
    if run.comparison is None:
        return "<p class='note'>There was no served model to compare with.</p>"
    return f"<p>{text(as_sentence(str(run.comparison)))}</p>"
