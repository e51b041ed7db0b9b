"""The section of how the model learnt, epoch by epoch."""

from sound_vae.quality.report.meanings import meanings
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import lines, text

LOSSES = {"train_loss": "clips that are learnt from", "val_loss": "clips held back"}


def curves_section(run: Run) -> str:
    """Show losses, error and divergence over the epochs."""
    about, history = meanings(), run.history
    charts = []
    groups: list[tuple[str, str, dict[str, str]]] = [
        ("Loss", "nats per value", LOSSES),
        ("Squared error of held-back clips", "of the 0 to 1 scale", {"mse": "error"}),
        ("Divergence from the prior", "nats per clip", {"kl": "divergence"}),
    ]
    for caption, unit, names in groups:
        series = {
            said: [(figures["epoch"], figures[name]) for figures in history if name in figures]
            for name, said in names.items()
        }
        series = {name: curve for name, curve in series.items() if curve}
        if series:
            note = about[list(names)[-1]] if len(names) == 1 else "lower is better"
            charts.append(
                f"<figure><figcaption>{caption}: {text(note)}</figcaption>"
                f"{lines(series, across='epoch', up=unit)}</figure>"
            )
    return (
        "<section><h2>How it learnt</h2><p class='note'>Training goes well while both losses fall; "
        "where the one on held-back clips rises again, more recordings help, not more epochs. "
        "The weights of the best epoch were kept.</p>"
        f"<div class='charts'>{''.join(charts)}</div></section>"
    )
