"""The verdict follows from the figures by the rules that it states."""

import numpy as np
import pytest

from sound_vae.quality.report.hearing import Hearing
from sound_vae.quality.report.meanings import FAIR, GOOD, POOR
from sound_vae.quality.report.verdict import verdict

FINE = {
    "frechet_ratio": 1.4,
    "modulation_db": 0.9,
    "told_apart": 0.74,
    "accuracy": 0.98,
    "real_accuracy": 0.99,
    "diversity": 0.95,
    "nearest": 1.0,
    "copies": 0.01,
}


def heard(
    variety: dict[str, float] | None = None, right: tuple[int, ...] = (30, 30, 30)
) -> Hearing:
    confusion = np.zeros((3, 4), int)
    for i, count in enumerate(right):
        confusion[i, i], confusion[i, 3] = count, 30 - count
    return Hearing(["kick", "hat", "ride"], confusion, variety or {})


@pytest.mark.parametrize(
    ("changes", "sentence", "grade"),
    [
        ({}, "Sounds like the recordings.", GOOD),
        (
            {"frechet_ratio": 2.5},
            "Sounds somewhat like the recordings: their timbre is not quite the same.",
            FAIR,
        ),
        (
            {"modulation_db": 3.0, "told_apart": 0.9},
            "Sounds somewhat like the recordings: some of their fine structure is lost and a "
            "network that learns the difference still hears it.",
            FAIR,
        ),
        ({"modulation_db": 8.5, "told_apart": 1.0}, "Sounds duller than the recordings.", FAIR),
        ({"modulation_db": 3.0, "told_apart": 1.0}, "Sounds duller than the recordings.", FAIR),
        (
            {"told_apart": 1.0},
            "Sounds somewhat like the recordings: a network that learns the difference still hears "
            "it.",
            FAIR,
        ),
        ({"frechet_ratio": 9.0}, "Does not sound like the recordings yet.", POOR),
        (
            {"accuracy": 0.7},
            "Sounds like the recordings; many sounds are not heard as the label that was asked "
            "for.",
            POOR,
        ),
        (
            {"diversity": 0.4},
            "Sounds like the recordings; the sounds of a label vary too little.",
            POOR,
        ),
        (
            {"diversity": 2.0},
            "Sounds like the recordings; the sounds of a label vary more than recordings do.",
            POOR,
        ),
        (
            {"copies": 0.3, "nearest": 0.3},
            "Sounds like the recordings; some sounds are all but copies of recordings.",
            POOR,
        ),
        ({"copies": 0.3}, "Sounds like the recordings.", GOOD),
    ],
)
def test_figures_become_words(changes: dict[str, float], sentence: str, grade: str) -> None:
    judged = verdict({**FINE, **changes}, None, "")
    assert (judged.sentence, judged.grade) == (sentence, grade)


def test_single_labels_that_vary_too_little_are_named() -> None:
    judged = verdict(FINE, heard({"kick": 0.9, "hat": 0.3, "ride": 0.5}), "")
    assert judged.sentence == "Sounds like the recordings; hat and ride vary too little."
    assert judged.grade == FAIR
    judged = verdict(FINE, heard({"kick": 0.9, "hat": 0.3, "ride": 0.7}), "")
    assert judged.sentence == "Sounds like the recordings; hat varies too little."


def test_labels_that_nobody_hears_are_named() -> None:
    judged = verdict({**FINE, "accuracy": 0.6}, heard(right=(30, 8, 29)), "")
    assert judged.sentence == "Sounds like the recordings; hat is rarely heard as what it is."
    judged = verdict(FINE, heard(right=(1, 8, 2)), "")
    assert judged.sentence.endswith("kick, hat and ride are rarely heard as what they are.")


def test_unlabelled_sounds_are_judged_without_a_recogniser() -> None:
    figures = {"frechet_ratio": 1.2, "diversity": 1.0}
    assert verdict(figures, None, "").sentence == "Sounds like the recordings."


def test_without_figures_the_verdict_says_why() -> None:
    judged = verdict({"val_loss": -3.0}, None, "there are 60 clips to learn from")
    assert judged.sentence == ("Listen and judge for yourself: there are 60 clips to learn from.")
    assert judged.grade == ""
