"""Is the new model better than the one that is served? Both are measured on the same sounds.

    comparison = compare_served(Path("model.tar.gz"), NewModel(...))

The wider the gap between the two, the smaller is the ground that they are compared on:

    same labels, rate, length and resolution    val_loss of all validation clips
    other labels, some of them common           val_loss of the validation clips of those labels
    another rate, length or resolution          what remains of validation recordings (of the common
                                                labels) after coding and decoding, at the lower rate
                                                and the shorter length: see common_ground.py
    no label in common, or nothing to read      not comparable; `why` says so in words

The figures have the same names whatever the ground is: val_loss and served_val_loss, and with
enough validation clips val_distance and served_val_distance (likeness.py), lower is better; where
there are labels and enough clips to learn them from, val_accuracy and served_val_accuracy, higher
is better. A crisp model may have a higher val_loss than a blurred one, for a sharp line in a
slightly wrong place costs more than none, so the distance counts where it could be measured.
Whatever is wrong with the served model, it never fails the run.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sound_vae.data.dataset import Dataset
from sound_vae.data.folder import is_sound
from sound_vae.data.long_recordings import file_of
from sound_vae.fit.trainer import Trainer
from sound_vae.log import sentence
from sound_vae.model.recogniser import Recogniser
from sound_vae.quality.common_ground import CommonGround, coding_loss, recordings
from sound_vae.quality.evaluation import accuracy, sound_seeds, train_recogniser
from sound_vae.quality.likeness import FEWEST_REAL, Likeness
from sound_vae.serving.served_model import ModelError, ServedModel, Sounds

LOOKED_FOR = 200  # recordings
MOST_RECORDINGS = 200  # that are coded and decoded one by one
MOST_NAMED = 5  # labels in a sentence


class NotComparable(Exception):  # noqa: N818 - it is a finding
    """The two models have no ground in common; the message says why."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison."""

    comparable: bool
    why: str = ""  # a sentence part: the ground, "" for all of the task, or why there is none
    figures: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.comparable:
            return sentence(f"not compared with the served model: {self.why}")
        return sentence(f"compared with the served model {self.why}".rstrip())


@dataclass(frozen=True)
class NewModel:
    """The model that was trained, and what it can be measured with."""

    model: ServedModel
    trainer: Trainer
    folder: Path  # of the recordings
    trim_db: float
    recogniser: Recogniser | None = None  # None: no labels, too few clips, or not wanted
    sounds: int = 1000  # that the accuracy is measured with
    seed: int = 0


def compare_served(archive: Path, new: NewModel) -> Comparison:
    """Measure the packed served model and the new one on their common ground."""
    try:
        served = ServedModel.load(archive)
        labels = _common_labels(served.labels, new.model.labels)
        if served.transform == new.model.transform:
            figures = _on_clips(served, new, labels)
            where = []
        else:
            ground = CommonGround.of(served.transform, new.model.transform)
            figures = _on_recordings(served, new, labels, ground)
            where = [f"at {ground}, the lower rate and the shorter length of the two"]
        for name in ("val_loss", "served_val_loss"):
            if not math.isfinite(figures.get(name, 0.0)):
                raise NotComparable(f"{name} is {figures[name]}")
        if served.labels != new.model.labels:
            where.insert(0, _on_labels(labels, served.labels))
        return Comparison(True, ", ".join(where), figures)
    except (NotComparable, ModelError) as error:
        return Comparison(False, str(error))
    except Exception as error:  # whatever a file holds that others wrote
        first_line = (str(error).strip().splitlines() or [""])[0]
        return Comparison(
            False, f"{archive.name} is no model that this version can read ({first_line[:200]})"
        )


def _on_clips(served: ServedModel, new: NewModel, labels: list[str]) -> dict[str, float]:
    """Compare by val_loss: the transform is the same."""
    figures: dict[str, float] = {}
    if served.labels == new.model.labels:
        theirs = new.trainer.validation
    else:
        ours = new.trainer.validation.of_labels(labels)
        if not len(ours):
            raise NotComparable(f"no validation clip is labelled {_listed(labels)}")
        theirs = ours.relabelled(served.labels)
        figures["val_loss"] = new.trainer.evaluate(data=ours)["val_loss"]
    figures["served_val_loss"] = new.trainer.evaluate(served.vae, theirs)["val_loss"]
    return figures | _of_sounds(
        served, new, labels, theirs, new.recogniser, new.model.labels, Sounds.spectrograms
    )


def _on_recordings(
    served: ServedModel, new: NewModel, labels: list[str], ground: CommonGround
) -> dict[str, float]:
    """Compare by coding and decoding what was held back, at the lower rate and shorter length."""
    validation, training = new.trainer.validation, new.trainer.training
    if labels:
        validation, training = validation.of_labels(labels), training.of_labels(labels)
    # of several machines each has some; shards hold no recordings
    there = any((new.folder / file_of(name)).exists() for name in validation.names[:LOOKED_FOR])
    if not there or not all(is_sound(file_of(name)) for name in validation.names):
        raise NotComparable(
            f"its sounds have {served.transform.sample_rate} Hz and {served.transform.seconds:.2f} "
            "s, to which prepared spectrograms cannot be brought"
        )
    if not len(validation):
        raise NotComparable(f"no validation clip is labelled {_listed(labels)}")
    names = validation.subsample(MOST_RECORDINGS, new.seed).names
    sounds = recordings(new.folder, names, new.trim_db)
    figures = {
        "val_loss": coding_loss(new.model, ground, sounds),
        "served_val_loss": coding_loss(served, ground, sounds),
    }
    real = ground.reread(new.folder, validation, new.trim_db)
    recogniser, known = new.recogniser, new.model.labels
    if recogniser and ground.transform != new.model.transform:
        clips = ground.reread(new.folder, training, new.trim_db)
        recogniser, known = train_recogniser(clips, new.seed), clips.labels
    return figures | _of_sounds(served, new, labels, real, recogniser, known, ground.spectrograms)


def _of_sounds(
    served: ServedModel,
    new: NewModel,
    labels: list[str],
    real: Dataset,
    recogniser: Recogniser | None,
    known: list[str],
    hear: Callable[[Sounds], np.ndarray],
) -> dict[str, float]:
    """Measure sounds drawn from both models; figures that cannot be had are left out.

    With enough validation clips `real` each label is asked for as often as those have it, and the
    sounds' distance to them is measured; otherwise the labels are asked for in turns. `known` are
    the recogniser's labels; `hear` turns sounds into spectrograms as it and `real` have them.
    """
    real = real.labelled() if real.labels else real
    likeness = Likeness(real.clips, real.transform) if len(real) >= FEWEST_REAL else None
    if not likeness and not recogniser:
        return {}
    if likeness:
        asked = np.resize(real.label_ids, max(new.sounds, len(real)))
        names = [real.labels[i] if real.labels else "" for i in asked]
    else:
        names = [labels[i % len(labels)] for i in range(new.sounds)]
    figures = {}
    for prefix, model in (("served_", served), ("", new.model)):
        heard = hear(model.sample(names, sound_seeds(len(names), new.seed)))
        if likeness:
            figures[f"{prefix}val_distance"] = likeness.distance(heard)
        if recogniser:
            figures[f"{prefix}val_accuracy"] = accuracy(recogniser, heard, names, known)
    return figures


def _common_labels(theirs: list[str], ours: list[str]) -> list[str]:
    common = [label for label in ours if label in set(theirs)]
    if not common and (theirs or ours):
        raise NotComparable(f"its labels are {_listed(theirs)}; those of the data {_listed(ours)}")
    return common


def _on_labels(common: list[str], theirs: list[str]) -> str:
    if len(common) == 1:
        where = f"on the one label that both know, {common[0]}"
    else:
        where = f"on the {len(common)} labels that both know"
    others = len(theirs) - len(common)
    return where + (f" (the served model knows {others} more)" if others else "")


def _listed(labels: list[str]) -> str:
    shown = ", ".join(label[:40] for label in labels[:MOST_NAMED]) or "none"
    return shown + (f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else "")
