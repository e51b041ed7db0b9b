"""Is the new model better than the one that is served? Both are measured on the same clips.

    figures = compare_served(Path("model.tar.gz"), trainer)

gives {"comparable": 1, "served_val_loss": …}, the loss with the same latent noise as the new
model's, or {"comparable": 0} after a line that says why. Whatever is wrong with the served model,
it never fails the run.
"""

import math
from collections.abc import Callable
from pathlib import Path

from sound_vae.data.dataset import Dataset
from sound_vae.fit.trainer import Trainer
from sound_vae.serving.served_model import ModelError, ServedModel


class NotComparable(Exception):  # noqa: N818 - it is a finding
    """The two models were not made for the same task; the message says how they differ."""


def compare_served(
    archive: Path, trainer: Trainer, accuracy: Callable[[ServedModel], float] | None = None
) -> dict[str, float]:
    """Measure the packed model on the trainer's validation clips; its `accuracy`, where given."""
    try:
        served = ServedModel.load(archive)
        _check_task(served, trainer.validation)
        figures = {"comparable": 1.0, "served_val_loss": _loss(served, trainer)}
        if accuracy:
            figures["served_val_accuracy"] = accuracy(served)
        return figures
    except (NotComparable, ModelError) as error:
        reason = str(error)
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        reason = f"{archive.name} is no model that this version can read ({first_line[:200]})"
    print(f"not compared with the served model: {reason}", flush=True)
    return {"comparable": 0.0}


def _check_task(served: ServedModel, data: Dataset) -> None:
    if served.transform != data.transform:
        raise NotComparable("it makes sounds of another length, rate or resolution")
    if served.labels != data.labels:
        theirs, ours = (", ".join(x[:5]) or "none" for x in (served.labels, data.labels))
        raise NotComparable(f"its labels are {theirs[:80]}…, those of the data {ours[:80]}…")


def _loss(served: ServedModel, trainer: Trainer) -> float:
    loss = trainer.evaluate(served.vae)["val_loss"]
    if not math.isfinite(loss):
        raise NotComparable(f"its validation loss is {loss}")
    return loss
