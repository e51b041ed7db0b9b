"""What is drawn lies as far from what was learnt as sounds do that were held back."""

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.density import LabelMixtures
from sound_vae.model.neighbourhoods import (
    FEWEST_HELD_BACK,
    MOST_COMPONENTS,
    NEIGHBOURS,
    Coded,
    between_neighbours,
    choose_density,
)


def draw(density: LabelMixtures, label_id: int, count: int, temperature: float = 1) -> np.ndarray:
    """Draw with the seeds 0, 1, …."""
    seeds, spread = tf.range(count, dtype=tf.int64), tf.fill([count], float(temperature))
    return tf.function(density.sample)(tf.fill([count], label_id), seeds, spread).numpy()


def circle(points: int, offset: float = 0.0) -> np.ndarray:
    """On a circle in ten dimensions, as notes of an instrument that only go up in pitch."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False) + offset
    return np.stack([np.cos(angle), np.sin(angle), *np.zeros((8, points))], axis=1)


def cloud(points: int, seed: int) -> np.ndarray:
    """Of many speakers, who differ in all respects."""
    return np.random.default_rng(seed).normal(size=(points, 10))


def coded(mu: np.ndarray, label: int = 0) -> Coded:
    return Coded(mu, np.full(len(mu), label))


def test_samples_lie_on_the_thin_sheet_that_the_clips_lie_on() -> None:
    learnt = circle(60)
    z = draw(between_neighbours(*coded(learnt), ["flute"]), 0, 500)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=0.1)
    nearest = np.linalg.norm(z[:, None] - learnt[None], axis=2).min(axis=1)
    assert np.median(nearest) > 0.01, "they are no copies"


def test_a_lower_temperature_draws_nearer_to_the_middle_of_the_neighbours() -> None:
    density = between_neighbours(*coded(cloud(100, 0)), ["any"])
    middles = density.means.numpy()[0]
    away = [
        np.linalg.norm(draw(density, 0, 300, t)[:, None] - middles, axis=2).min(axis=1).mean()
        for t in (0.0, 0.5, 1.0)
    ]
    assert away[0] < 1e-5
    assert away[0] < away[1] < away[2]


@pytest.mark.parametrize("clips", range(1, NEIGHBOURS + 1))
def test_a_few_clips_are_drawn_around_and_vary_by_what_others_do(clips: int) -> None:
    few = 9 + 0.1 * cloud(clips, 1)
    mu, label_ids = np.concatenate([cloud(200, 0), few]), np.repeat([0, 1], [200, clips])
    z = draw(between_neighbours(mu, label_ids, ["many", "few"]), 1, 300)
    np.testing.assert_allclose(z.mean(axis=0), few.mean(axis=0), atol=0.3)
    assert z.std() > 0.01


def test_many_clips_take_no_more_room_than_some() -> None:
    density = between_neighbours(*coded(cloud(3 * MOST_COMPONENTS, 0)), ["any"])
    assert density.means.shape[1] == MOST_COMPONENTS


@pytest.mark.parametrize("labels", [["flute"], []])
def test_the_clips_that_were_held_back_say_which_density_it_is(labels: list[str]) -> None:
    label = 0 if labels else -1
    thin = choose_density(
        coded(circle(60), label), coded(circle(60, 0.05), label), labels, temperature=1.0
    )
    assert thin.factors.shape[-1] == NEIGHBOURS
    full = choose_density(
        coded(cloud(600, 0), label), coded(cloud(60, 1), label), labels, temperature=1.0
    )
    assert full.factors.shape[-1] == 10


def test_too_few_clips_that_were_held_back_say_nothing() -> None:
    held_back = coded(circle(FEWEST_HELD_BACK - 1, 0.05))
    density = choose_density(coded(circle(60)), held_back, ["flute"], temperature=1.0)
    assert density.factors.shape[-1] == 10


def test_clips_of_labels_that_were_not_learnt_say_nothing() -> None:
    unknown = coded(cloud(100, 2), label=-1)
    density = choose_density(coded(circle(60)), unknown, ["flute"], temperature=1.0)
    assert density.factors.shape[-1] == 10
