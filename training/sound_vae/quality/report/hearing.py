"""What the recogniser hears in new sounds of each label, and how much these vary.

heard = hear(model, training, recogniser, seed)
heard.confusion      # sounds by the label asked for and the label heard
"""

from dataclasses import dataclass

import numpy as np

from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import subsample
from sound_vae.model.recogniser import Recogniser
from sound_vae.quality.evaluation import sound_seeds
from sound_vae.quality.measures import diversity
from sound_vae.serving.served_model import ServedModel

SOUNDS_OF_A_LABEL, MOST_SOUNDS = 30, 600
MOST_LABELS = 40  # a larger matrix is no picture any more
FEWEST_TO_VARY = 5  # clips of a label, to say how much they vary
OWN_SEEDS = 500_000  # away from those of the sounds that the figures were measured by


@dataclass(frozen=True)
class Hearing:
    """What was heard; labels are those with most clips, in their order."""

    labels: list[str]
    confusion: np.ndarray  # (labels, labels + 1) sounds; the last column counts other labels
    variety: dict[str, float]  # of a label's sounds over that of its training clips

    @property
    def accuracy(self) -> dict[str, float]:
        """Share of each label's sounds that are heard as it."""
        shares = self.confusion.diagonal() / self.confusion.sum(axis=1)
        return dict(zip(self.labels, map(float, shares), strict=True))


def hear(model: ServedModel, training: Dataset, recogniser: Recogniser, seed: int) -> Hearing:
    """Draw sounds of each label at the model's own temperature and let the recogniser hear them."""
    counts = np.bincount(
        training.label_ids[training.label_ids >= 0], minlength=len(training.labels)
    )
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_LABELS])
    shown = shown[counts[shown] > 0]
    each = max(min(SOUNDS_OF_A_LABEL, MOST_SOUNDS // len(shown)), 1)
    asked = np.repeat(shown, each)
    names = [training.labels[i] for i in asked]
    made = model.sample(names, sound_seeds(len(names), seed) + OWN_SEEDS).spectrograms()
    features, heard = recogniser.listen(made)
    place = np.full(len(training.labels), len(shown))
    place[shown] = np.arange(len(shown))
    confusion = np.zeros((len(shown), len(shown) + 1), int)
    np.add.at(confusion, (place[asked], place[heard]), 1)
    variety = {}
    for label in shown:
        mine = subsample(np.flatnonzero(training.label_ids == label), each, seed)
        if len(mine) >= FEWEST_TO_VARY and each >= FEWEST_TO_VARY:
            of_real, _ = recogniser.listen(training.subset(mine).clips)
            ours = features[asked == label][: len(of_real)]
            if len(ours) == len(of_real):
                variety[training.labels[label]] = diversity(ours, of_real, np.zeros(len(ours)))
    return Hearing([training.labels[i] for i in shown], confusion, variety)
