from sound_vae.quality.evaluation import FIGURES
from sound_vae.quality.report.meanings import (
    FAIR,
    GOOD,
    MAIN,
    POOR,
    SCALES,
    grade,
    meanings,
    what_is_good,
)


def test_every_figure_that_is_graded_is_one_that_a_run_measures() -> None:
    assert set(MAIN) <= set(FIGURES) <= set(meanings())
    assert all(what_is_good(name) for name in MAIN)


def test_a_grade_is_what_its_words_say() -> None:
    scale = SCALES["diversity"]
    assert scale.in_words() == "good from 0.8 to 1.25, poor below 0.6 or above 1.6 times"
    assert [scale.grade(x) for x in (0.5, 0.7, 0.8, 1.25, 1.5, 1.7)] == [
        POOR,
        FAIR,
        GOOD,
        GOOD,
        FAIR,
        POOR,
    ]


def test_accuracy_is_measured_by_what_can_be_heard_of_real_sounds() -> None:
    assert grade("accuracy", {"accuracy": 0.8, "real_accuracy": 0.82}) == GOOD
    assert grade("accuracy", {"accuracy": 0.8, "real_accuracy": 0.95}) == FAIR
    assert grade("accuracy", {"accuracy": 0.7, "real_accuracy": 0.95}) == POOR
    assert grade("val_loss", {"val_loss": -2.0}) == ""
