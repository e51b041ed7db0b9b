"""How good the sounds are that callers will get, in figures.

    figures = evaluate(ServedModel.load(folder), training, validation)

Sounds are drawn from the served graph and measured on the bytes of their WAV files. FIGURES says
what each figure means. Labelled data is compared in the features of a recogniser that was trained
on the training clips. Unlabelled data has no such thing: its features are fixed statistics of
mel-frequency cepstra, which need no training, cannot have been fitted to the model they measure,
and follow timbre, loudness and how both move. There is no accuracy then.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.fit.arguments import hyperparameters
from sound_vae.model.recogniser import FEWEST_CLIPS, Recogniser
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.likeness import Likeness
from sound_vae.quality.measures import (
    balanced,
    cepstral_statistics,
    clip_patches,
    copying,
    diversity,
    frechet_distance,
    reconstruction_error,
)
from sound_vae.quality.modulation import modulation_distance, modulation_spectrum
from sound_vae.quality.told_apart import told_apart
from sound_vae.serving.served_model import BATCH, ServedModel

FIGURES = {
    "accuracy": "share of sampled sounds heard as the label that was asked for",
    "real_accuracy": "the same for validation clips: what the recogniser itself can hear",
    "frechet": "Frechet distance of sampled sounds to validation clips, in feature space",
    "frechet_floor": "the same distance for as many real training clips",
    "frechet_ratio": "frechet over frechet_floor; 1 is as close as real sounds are",
    "diversity": "distance between two sounds of a label over that of two training clips",
    "nearest": "distance to the nearest training clip over that of validation clips; 0 is a copy",
    "copies": "share of sounds nearer to a training clip than 99 % of validation clips are",
    "reconstruction_db": "error of coding and decoding validation clips, decibels of mel bands",
    "distance": "distance of sampled sounds to validation clips in cepstra and fine structure",
    "modulation_db": "fine structure of sampled sounds against that of real ones, decibels",
    "modulation_floor": "the same of other real clips",
    "modulation_rebuilt": "the same of real clips whose phases were reconstructed",
    "told_apart": "share of sounds a fresh network tells rightly from real ones; 0.5 is guessing",
    "told_apart_floor": "the same of real and other real clips",
    "told_apart_rebuilt": "the same of real clips and others whose phases were reconstructed",
}
LABELLED_ONLY = ("accuracy", "real_accuracy")
OF_FEW = ("diversity", "nearest", "reconstruction_db", "modulation_db", "modulation_floor")
FEWEST_MEASURED = 10  # training clips; what can be said of fewer is chance
MOST_FINE = 1000  # clips whose fine structure is measured
MOST_TOLD_APART = 500  # sounds of either kind, which take some ten seconds
MOST_CLIPS = 10_000  # of either side that are compared; ample, and it takes no longer for more


def evaluate(
    model: ServedModel,
    training: Dataset,
    validation: Dataset,
    *,
    sounds: int = 1000,
    seed: int = 0,
    recogniser: Recogniser | None = None,
    against: Dataset | None = None,
) -> dict[str, float]:
    """Measure the FIGURES of a model; on unlabelled data those without accuracy.

    Fine structure is measured against training clips, or against those that are given.

    As many sounds are drawn as real ones are compared, label by label: `sounds`, or fewer where
    there are fewer training clips. With less than `FEWEST_CLIPS` of those a recogniser learns
    nothing, and distances of distributions are chance: then only the figures `OF_FEW` are given,
    and none with less than `FEWEST_MEASURED`.
    """
    transform = training.transform
    if training.labels:
        training, validation = training.labelled(), validation.labelled()
    if len(training) < FEWEST_MEASURED:
        return {}
    few = len(training) < FEWEST_CLIPS
    training, validation = (data.subsample(MOST_CLIPS, seed) for data in (training, validation))
    real = training.subset(balanced(training.label_ids, sounds, seed))
    asked = real.label_ids
    names = [training.labels[i] if training.labels else "" for i in asked]
    sampled = model.sample(names, sound_seeds(len(names), seed)).spectrograms()
    figures: dict[str, float] = {}
    if training.labels and not few:
        recogniser = recogniser or Recogniser.train(training, seed=seed)
        features, heard = recogniser.listen(sampled)
        of_validation, heard_in_validation = recogniser.listen(validation.clips)
        of_real, _ = recogniser.listen(real.clips)
        figures["accuracy"] = float(np.mean(heard == asked))
        figures["real_accuracy"] = float(np.mean(heard_in_validation == validation.label_ids))
    else:
        of_training = cepstral_statistics(training.clips, transform)
        mean, deviation = of_training.mean(axis=0), of_training.std(axis=0) + 1e-6
        features, of_validation, of_real = (
            (cepstral_statistics(values, transform) - mean) / deviation
            for values in (sampled, validation.clips, real.clips)
        )
    if not few:
        figures["frechet"] = frechet_distance(features, of_validation)
        figures["frechet_floor"] = frechet_distance(of_real, of_validation)
        figures["frechet_ratio"] = figures["frechet"] / max(figures["frechet_floor"], 1e-9)
    figures["diversity"] = diversity(features, of_real, asked)
    patches = (
        clip_patches(values, transform) for values in (sampled, validation.clips, training.clips)
    )
    figures |= copying(*patches)
    figures["reconstruction_db"] = reconstruction_error(
        validation.clips, model.decode(_encode(model, validation)).spectrograms(), transform
    )
    if not few:
        figures["distance"] = Likeness(validation.clips, transform).distance(sampled)
    if against is None:
        others = training.subset(np.flatnonzero(~np.isin(training.names, real.names)))
        if len(others) < len(real) // 2:  # one half of the real ones stands for the others
            mixed = np.random.default_rng(seed).permutation(len(real))
            real, others = (real.subset(np.sort(part)) for part in np.array_split(mixed, 2))
    else:
        real, others = against, real
    figures |= fine_structure(sampled, real, others, seed, tell=not few)
    return {name: figures[name] for name in OF_FEW} if few else figures


def fine_structure(
    sampled: np.ndarray, real: Dataset, others: Dataset, seed: int = 0, *, tell: bool = True
) -> dict[str, float]:
    """Measure what blur takes away: of sampled sounds, (sounds, frames, bins), against real ones.

    Without `tell` no network is asked to tell them apart. `others` are real, too: they show what
    the measures say of sounds that could not be better, as they are, and with their phases
    reconstructed as the served graph does it.
    """
    transform = real.transform
    ours, theirs = (_values(data, seed) for data in (real, others))
    again = rebuilt(theirs, transform)
    spectrum = modulation_spectrum(ours, transform)
    figures = {}
    for name, values in {"db": sampled, "floor": theirs, "rebuilt": again}.items():
        figures[f"modulation_{name}"] = modulation_distance(
            spectrum, modulation_spectrum(values, transform)
        )
    if not tell:
        return figures
    count = min(len(ours), len(theirs), len(sampled), MOST_TOLD_APART)
    rng = np.random.default_rng(seed)
    asked = {}
    with ThreadPoolExecutor() as pool:  # a small network leaves a processor idle
        for name, values in {"": sampled, "_floor": theirs, "_rebuilt": again}.items():
            one, other = (kind[rng.permutation(len(kind))[:count]] for kind in (ours, values))
            asked[f"told_apart{name}"] = pool.submit(told_apart, one, other, transform, seed=seed)
    return figures | {name: answer.result() for name, answer in asked.items()}


def _values(data: Dataset, seed: int) -> np.ndarray:
    some = data.subsample(MOST_FINE, seed)
    return some.clips[np.arange(len(some))]


def rebuilt(values: np.ndarray, transform: Transform) -> np.ndarray:
    """Make spectrograms (sounds, frames, bins) audible without their phases, and transform again.

    It takes as many iterations as the served graph does unless it is told otherwise.
    """
    iterations = hyperparameters()["griffin_lim_iterations"]["default"]

    @partial(tf.function, reduce_retracing=True)
    def graph(part: tf.Tensor) -> tf.Tensor:
        return transform.spectrogram(transform.waveform(tf.cast(part, tf.float32), iterations))

    starts = range(0, len(values), BATCH)
    parts = [graph(values[start : start + BATCH]).numpy() for start in starts]
    return np.concatenate(parts).astype(np.float16)


def train_recogniser(training: Dataset, seed: int = 0) -> Recogniser | None:
    """Learn the labels of the training clips; None when they are too few, or have none."""
    labelled = training.labelled()
    return Recogniser.train(labelled, seed=seed) if len(labelled) >= FEWEST_CLIPS else None


def accuracy(
    recogniser: Recogniser, sampled: np.ndarray, asked: Sequence[str], known: Sequence[str]
) -> float:
    """Share of sampled sounds, (sounds, frames, bins), that are heard as the label asked for.

    `known` are the recogniser's labels.
    """
    _, heard = recogniser.listen(sampled)
    return float(np.mean(heard == [known.index(name) for name in asked]))


def sound_seeds(sounds: int, seed: int) -> np.ndarray:
    """Give every sound a seed of its own."""
    return np.arange(sounds, dtype=np.int64) + seed * 1_000_000


def _encode(model: ServedModel, data: Dataset) -> np.ndarray:
    parts = [
        model.vae.encode(tf.constant(data.clips[start : start + BATCH], tf.float32))[0].numpy()
        for start in range(0, len(data), BATCH)
    ]
    return np.concatenate(parts)
