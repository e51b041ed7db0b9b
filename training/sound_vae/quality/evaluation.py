"""How good the sounds are that callers will get, in figures.

    figures = evaluate(model_dir, data, training, validation, temperature=0.8)

Sounds are drawn from the exported graph and judged by the bytes of their WAV files. FIGURES says
what each figure means. Labelled data is compared in the features of a recogniser that was trained
on the training clips. Unlabelled data has no such thing: its features are fixed statistics of
mel-frequency cepstra, which need no training, cannot have been fitted to the model they judge, and
follow timbre, loudness and how both move. There is no accuracy then.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import NO_LABEL, Dataset
from sound_vae.data.streaming import Rows, some
from sound_vae.model.autoencoder import DESCRIPTION_FILE, VAE
from sound_vae.model.recogniser import FEWEST_CLIPS, RANGE_DB, Recogniser, log_mel, normalised
from sound_vae.model.spectrogram import Transform

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
}
LABELLED_ONLY = ("accuracy", "real_accuracy")
CEPSTRA = 13
PATCHES = (16, 20)  # frames x bands that a clip is averaged to before looking for copies of it
BATCH = 50
MOST_CLIPS = 10_000  # of either side that are compared; ample, and it takes no longer for more


def evaluate(
    model_dir: Path,
    data: Dataset,
    training: np.ndarray,
    validation: np.ndarray,
    *,
    temperature: float,
    sounds: int = 1000,
    seed: int = 0,
    recogniser: Recogniser | None = None,
) -> dict[str, float]:
    """Measure the FIGURES of the model in `model_dir`; on unlabelled data those without accuracy.

    `training` and `validation` are clip indices. As many sounds are drawn as real ones compared,
    label by label: `sounds`, or fewer where there are fewer training clips. With less than
    `FEWEST_CLIPS` of those nothing can be measured, and there are no figures.
    """
    transform = data.transform
    if data.labels:
        training = training[data.label_ids[training] != NO_LABEL]
        validation = validation[data.label_ids[validation] != NO_LABEL]
    if len(training) < FEWEST_CLIPS:
        return {}
    training, validation = (some(clips, MOST_CLIPS, seed) for clips in (training, validation))
    real = training[balanced(data.label_ids[training], sounds, seed)]
    asked = data.label_ids[real]
    names = [data.labels[i] if data.labels else "" for i in asked]
    graph = tf.saved_model.load(str(model_dir / "1"))
    sampled = spectrograms(_sample(graph, names, temperature, seed), transform)
    figures: dict[str, float] = {}
    if data.labels:
        recogniser = recogniser or Recogniser.train(
            data.clips(training), data.label_ids[training], transform, seed=seed
        )
        features, heard = recogniser.listen(sampled)
        of_validation, heard_in_validation = recogniser.listen(data.clips(validation))
        of_real, _ = recogniser.listen(data.clips(real))
        figures["accuracy"] = float(np.mean(heard == asked))
        figures["real_accuracy"] = float(np.mean(heard_in_validation == data.label_ids[validation]))
    else:
        of_training = cepstral_statistics(data.clips(training), transform)
        mean, deviation = of_training.mean(axis=0), of_training.std(axis=0) + 1e-6
        features, of_validation, of_real = (
            (cepstral_statistics(values, transform) - mean) / deviation
            for values in (sampled, data.clips(validation), data.clips(real))
        )
    figures["frechet"] = frechet_distance(features, of_validation)
    figures["frechet_floor"] = frechet_distance(of_real, of_validation)
    figures["frechet_ratio"] = figures["frechet"] / max(figures["frechet_floor"], 1e-9)
    figures["diversity"] = diversity(features, of_real, asked)
    patches = [
        clip_patches(values, transform)
        for values in (sampled, data.clips(validation), data.clips(training))
    ]
    figures |= copying(*patches)
    vae = VAE.load(model_dir)
    coded = _code(graph, vae, data.clips(validation))
    figures["reconstruction_db"] = reconstruction_error(
        data.clips(validation), spectrograms(coded, transform), transform
    )
    return figures


def train_recogniser(data: Dataset, training: np.ndarray, seed: int = 0) -> Recogniser | None:
    """Learn the labels from the training clips; None when they are too few, or have none."""
    training = training[data.label_ids[training] != NO_LABEL]
    if len(training) < FEWEST_CLIPS:
        return None
    values, label_ids = data.clips(training), data.label_ids[training]
    return Recogniser.train(values, label_ids, data.transform, seed=seed)


def accuracy(model_dir: Path, recogniser: Recogniser, *, sounds: int, seed: int = 0) -> float:
    """Share of sounds, label by label at the model's own temperature, that are heard right."""
    description = json.loads((model_dir / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    labels, transform = description["labels"], Transform(**description["transform"])
    asked = np.arange(sounds) % len(labels)
    graph = tf.saved_model.load(str(model_dir / "1"))
    wavs = _sample(graph, [labels[i] for i in asked], description["temperature"], seed)
    return float(np.mean(recogniser.listen(spectrograms(wavs, transform))[1] == asked))


def balanced(label_ids: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Up to `count` random indices, of every label equally many as long as it has any left."""
    order = np.random.default_rng(seed).permutation(len(label_ids))
    turns = np.empty(len(label_ids), int)  # the how-manieth of its label each index is
    for label in np.unique(label_ids):
        mine = order[label_ids[order] == label]
        turns[mine] = np.arange(len(mine))
    return np.sort(order[np.argsort(turns[order], kind="stable")][:count])


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of Gaussians fitted to (n, d) and (m, d) features.

    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)): Dowson and Landau, "The Frechet distance
    between multivariate normal distributions" (1982); for sounds Kilgour et al. (2019).
    """
    difference = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    cov_a, cov_b = (np.atleast_2d(np.cov(x.astype(np.float64), rowvar=False)) for x in (a, b))
    # the root's trace is that of the symmetric (A^1/2 B A^1/2)^1/2, which also holds when singular
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(max(difference @ difference + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap, 0))


def diversity(sampled: np.ndarray, real: np.ndarray, label_ids: np.ndarray) -> float:
    """Mean distance of two sounds of a label, relative to real ones; 0 for copies of one sound.

    `sampled` and `real` are (n, d) features whose rows have the same label indices.
    """
    return _spread(sampled, label_ids) / max(_spread(real, label_ids), 1e-9)


def _spread(features: np.ndarray, label_ids: np.ndarray) -> float:
    total = pairs = 0.0
    for label in np.unique(label_ids):
        group = features[label_ids == label]
        total += sum(float(part.sum()) for part in _distances(group, group))
        pairs += len(group) * (len(group) - 1)
    return total / max(pairs, 1)


def copying(sampled: np.ndarray, validation: np.ndarray, training: np.ndarray) -> dict[str, float]:
    """How near sampled sounds lie to the nearest training clip; all are (n, d) patches.

    A smooth sound lies nearer to everything than a rough one, so `nearest` somewhat below 1 is no
    sign of copying; `copies` far above 0.01 together with a small `nearest` is.
    """
    of_sampled, of_validation = (_nearest(x, training) for x in (sampled, validation))
    return {
        "nearest": float(np.median(of_sampled) / max(np.median(of_validation), 1e-9)),
        "copies": float(np.mean(of_sampled < np.quantile(of_validation, 0.01))),
    }


def _nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([part.min(axis=1) for part in _distances(a, b)])


def _distances(a: np.ndarray, b: np.ndarray, rows: int = 64) -> Iterator[np.ndarray]:
    """Euclidean distances of (n, d) to (m, d), a few rows at a time."""
    b = b.astype(np.float64)
    for start in range(0, len(a), rows):
        part = a[start : start + rows].astype(np.float64)
        squares = (part**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * part @ b.T
        squares[squares < 1e-9 * (1 + (part**2).sum(axis=1)[:, None])] = 0  # only rounding
        yield np.sqrt(squares)


def clip_patches(values: np.ndarray | Rows, transform: Transform) -> np.ndarray:
    """Spectrograms to (clips, d): loudness in coarse patches of time and pitch."""
    mels = normalised(log_mel(values, transform))
    frames, bands = (min(n, size) for n, size in zip(PATCHES, mels.shape[1:], strict=True))
    return tf.image.resize(mels[..., None], (frames, bands), "area").numpy().reshape(len(mels), -1)


def cepstral_statistics(values: np.ndarray | Rows, transform: Transform) -> np.ndarray:
    """Spectrograms to (clips, 3 x CEPSTRA): mean, deviation and movement of the cepstra."""
    mels = normalised(log_mel(values, transform))
    cepstra = tf.signal.mfccs_from_log_mel_spectrograms(mels)[..., :CEPSTRA].numpy()
    movement = np.abs(np.diff(cepstra, axis=1)) if cepstra.shape[1] > 1 else np.zeros_like(cepstra)
    return np.concatenate(
        [cepstra.mean(axis=1), cepstra.std(axis=1), movement.mean(axis=1)], axis=1
    )


def reconstruction_error(
    original: np.ndarray | Rows, coded: np.ndarray, transform: Transform
) -> float:
    """Root-mean-square difference in decibels, over the mel bands that can be heard in either."""
    a, b = (normalised(log_mel(values, transform)).numpy() for values in (original, coded))
    audible = (a > 0) | (b > 0)
    return float(RANGE_DB * np.sqrt(np.mean(np.square(a - b)[audible]))) if audible.any() else 0.0


def spectrograms(wavs: list[bytes], transform: Transform) -> np.ndarray:
    """WAV files to (clips, frames, bins), as the recogniser and the VAE see clips."""
    parts = []
    for i in range(0, len(wavs), BATCH):
        waves = [tf.audio.decode_wav(wav, 1).audio[:, 0] for wav in wavs[i : i + BATCH]]
        parts.append(transform.spectrogram(tf.stack(waves)).numpy().astype(np.float16))
    return np.concatenate(parts)


def _sample(graph: tf.Module, labels: list[str], temperature: float, seed: int) -> list[bytes]:
    """One WAV file for each label, each from a seed of its own."""
    wavs: list[bytes] = []
    for i in range(0, len(labels), BATCH):
        batch = labels[i : i + BATCH]
        seeds = np.arange(i, i + len(batch), dtype=np.int64) + seed * 1_000_000
        outputs = graph.signatures["serving_default"](
            label=tf.constant(batch),
            seed=tf.constant(seeds),
            temperature=tf.fill([len(batch)], tf.cast(temperature, tf.float32)),
        )
        wavs += list(outputs["wav_bytes"].numpy())
    return wavs


def _code(graph: tf.Module, vae: VAE, values: np.ndarray | Rows) -> list[bytes]:
    """Encode spectrograms and give the WAV files that their posterior means become."""
    wavs: list[bytes] = []
    for i in range(0, len(values), BATCH):
        mu, _ = vae.encode(tf.constant(values[i : i + BATCH], tf.float32))
        wavs += list(graph.signatures["latents"](z=mu)["wav_bytes"].numpy())
    return wavs
