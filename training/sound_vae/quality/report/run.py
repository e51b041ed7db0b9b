"""What is known at the end of a run, for its report."""

import argparse
from dataclasses import dataclass

from sound_vae.data.dataset import Dataset
from sound_vae.fit.checkpoint import History
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser
from sound_vae.quality.compare_served import Comparison
from sound_vae.serving.served_model import ServedModel


@dataclass(frozen=True)
class Run:
    """All that is known at the end of a run."""

    args: argparse.Namespace
    data: Dataset
    training: Dataset
    validation: Dataset
    model: ServedModel
    history: History
    metrics: dict[str, float]
    comparison: Comparison | None = None
    recogniser: Recogniser | None = None
    seconds: float = 0.0  # of the whole run until now

    @property
    def why_no_figures(self) -> str:
        """Say why the quality of the sounds was not measured, or not all of it; "" if it was."""
        if "frechet_ratio" in self.metrics:
            return ""
        if not self.args.evaluation_sounds:
            return "evaluation_sounds is 0, so no sounds were measured"
        clips = len(self.training.labelled() if self.training.labels else self.training)
        kind = "with a label " if self.training.labels else ""
        return (
            f"there are {clips} clips {kind}to learn from, too few to measure all of the quality "
            f"of sounds by: most figures need {FEWEST_CLIPS}"
        )
