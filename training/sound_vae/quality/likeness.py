"""How far made sounds lie from real ones, by features that nobody has trained.

    likeness = Likeness(spectrograms_of_real, transform)
    likeness.distance(spectrograms_of_made)

Timbre, loudness and how both move come from the cepstra, fine structure from the ripples of the
spectrogram; the distance is Frechet's. So a blurred model is far from real sounds, and so is one
that makes the same crisp sound again and again. Two models can be compared by it, whatever their
losses are made of.

It cannot hear whether a sound is the one that was asked for, nor whether it is a copy.
"""

import numpy as np

from sound_vae.data.streaming import Rows
from sound_vae.model.spectrogram import Transform
from sound_vae.quality.measures import cepstral_statistics, frechet_distance
from sound_vae.quality.modulation import ripples

FEWEST_REAL = 50  # sounds to compare with; the spread of fewer says little
SILENT_DB = -20.0  # power of ripples that stands for none


class Likeness:
    """Distances to some real sounds, spectrograms (sounds, frames, bins) in 0..1."""

    def __init__(self, real: np.ndarray | Rows, transform: Transform) -> None:
        self.transform = transform
        features = self._features(real)
        self.mean, self.deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
        self.real = (features - self.mean) / self.deviation

    def distance(self, made: np.ndarray | Rows) -> float:
        """Frechet distance to the real sounds, over the number of features; 0 is like them."""
        features = (self._features(made) - self.mean) / self.deviation
        return frechet_distance(features, self.real) / features.shape[1]

    def _features(self, values: np.ndarray | Rows) -> np.ndarray:
        power = ripples(values, self.transform).reshape(len(values), -1)
        resolved = ~np.isnan(power).all(axis=0)
        decibels = 10 * np.log10(np.nan_to_num(power[:, resolved]) + 10 ** (SILENT_DB / 10))
        return np.concatenate([cepstral_statistics(values, self.transform), decibels], axis=1)
