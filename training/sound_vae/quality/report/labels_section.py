"""The sections of what a recogniser hears and of the map of z."""

import json

from sound_vae.quality.latent_map import FILE as MAP_FILE
from sound_vae.quality.report.hearing import Hearing
from sound_vae.quality.report.meanings import grade
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import matrix, scatter, text
from sound_vae.quality.report.words import number


def labels_section(heard: Hearing | None, run: Run) -> str:
    """Show what new sounds are heard as, or say why nobody heard them."""
    if heard is None:
        why = run.why_no_figures or "the data has no labels"
        content = f"<p class='note'>No recogniser was trained: {text(why)}.</p>"
    else:
        content = (
            "<p class='note'>A small network that learnt the labels from the recordings, and never "
            "heard a sound of the model, says what new sounds are. Numbers are sounds; all of them "
            "lie on the diagonal of a good model.</p><div class='charts'><figure>"
            + matrix(heard.labels, heard.confusion, across="heard as", up="asked for")
            + "</figure><figure><figcaption>Variety of each label's sounds, 1 is that of its "
            f"recordings</figcaption>{_variety(heard)}</figure></div>"
        )
    return f"<section><h2>What a recogniser hears</h2>{content}</section>"


def _variety(heard: Hearing) -> str:
    rows = "".join(
        f"<tr><td>{text(label[:60])}<td class='value'>{number(share)}"
        f"<td class='mark {grade('diversity', {'diversity': share})}'>"
        f"{grade('diversity', {'diversity': share})}"
        for label, share in heard.variety.items()
    )
    return f"<div class='wide'><table>{rows}</table></div>" if rows else "<p>Too few sounds.</p>"


def map_section(run: Run) -> str:
    """Show where the training sounds lie; nothing for a model without a map."""
    try:
        content = json.loads((run.model.folder / MAP_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    points = [(p["x"], p["y"], p["label"], p["name"]) for p in content["points"]]
    return (
        "<section><h2>The map of the training sounds</h2><p class='note'>Each point is a recording "
        "in the model's latent space, brought to a plane so that neighbours stay neighbours. "
        "Labels in islands of their own are told apart; islands that run into each other sound "
        "alike. Distances across the map mean little.</p>"
        f"<figure>{scatter(points, content['labels'])}</figure></section>"
    )
