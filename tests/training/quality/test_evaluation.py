"""A run measures what its data allows to be measured."""

import json
import math

import numpy as np
import pytest

from sound_vae.data.dataset import Dataset
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.density import LabelMixtures
from sound_vae.quality.evaluation import FIGURES, LABELLED_ONLY, OF_FEW, evaluate, fine_structure
from sound_vae.serving.description import Description
from sound_vae.serving.export import export
from sound_vae.serving.served_model import ServedModel
from tests.training.tones import LABELS, TRANSFORM, noisy_tones


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    folder = tmp_path_factory.mktemp("model")
    vae = VAE(Architecture("default", TRANSFORM.frames, TRANSFORM.bins, latent_dim=4, channels=8))
    rng = np.random.default_rng(0)
    density = LabelMixtures.fit(rng.standard_normal((40, 4)), np.arange(40) % 2, LABELS)
    description = Description(vae.architecture, TRANSFORM, LABELS, temperature=1.0, texture=0.0)
    export(folder, vae, density, description, griffin_lim_iterations=2)
    return ServedModel.load(folder)


def parts(training: int, *, labelled: bool) -> tuple[Dataset, Dataset]:
    """So many clips to train on, and the rest of 130 to validate."""
    data = noisy_tones(130, seed=2)
    values = data.clips[:].astype(np.float16)
    data = Dataset.of(values, TRANSFORM, *((data.label_ids, LABELS) if labelled else ()))
    return data.subset(np.arange(training)), data.subset(np.arange(training, 130))


def test_labelled_data_gets_every_figure(
    model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sound_vae.model.recogniser.Recogniser.STEPS", 60)
    figures = evaluate(model, *parts(110, labelled=True), sounds=20)
    assert list(figures) == list(FIGURES)
    assert all(math.isfinite(value) and value >= 0 for value in figures.values())
    assert figures["real_accuracy"] >= 0.9
    assert figures["frechet_ratio"] > 2  # an untrained model's sounds are nothing like these
    assert json.loads(json.dumps(figures)) == figures


def test_unlabelled_data_gets_the_same_figures_without_accuracy(model: ServedModel) -> None:
    figures = evaluate(model, *parts(110, labelled=False), sounds=20)
    assert set(figures) == set(FIGURES) - set(LABELLED_ONLY)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("clips", [10, 99])
def test_few_clips_get_those_figures_that_few_can_give(
    model: ServedModel, clips: int, labelled: bool
) -> None:
    training, rest = parts(clips, labelled=labelled)
    figures = evaluate(model, training, rest.subset(np.arange(1)), sounds=20)
    assert list(figures) == list(OF_FEW)
    assert all(math.isfinite(value) for value in figures.values())
    assert figures["modulation_db"] > figures["modulation_floor"]  # an untrained model's sounds


def test_a_handful_of_clips_is_not_enough_to_measure_anything(model: ServedModel) -> None:
    assert evaluate(model, *parts(9, labelled=False), sounds=20) == {}


def test_fine_structure_is_measured_against_the_clips_that_are_named(model: ServedModel) -> None:
    training, others = parts(110, labelled=True)
    silent = Dataset.of(np.zeros((4, TRANSFORM.frames, TRANSFORM.bins), np.float16), TRANSFORM)
    sampled = model.sample(LABELS * 10, range(20)).spectrograms()
    figures = fine_structure(sampled, training, others)
    assert figures["modulation_floor"] < figures["modulation_db"]
    assert figures["told_apart"] > 0.9  # an untrained model's sounds
    with pytest.raises(ValueError, match="no sound is audible"):
        fine_structure(sampled, silent, others)
