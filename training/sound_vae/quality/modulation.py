"""The fine structure of sounds: how strongly their spectrograms ripple, and how fast.

    distance = modulation_distance(spectrograms_of_real, spectrograms_of_made, transform)

Harmonics are ripples along frequency, vibrato and roughness are ripples along time. A decoder that
gives the mean of all that a sound might be has neither, and neither a squared error nor a
recogniser of labels hears them go. Modulation power spectra of sounds: Singh and Theunissen,
"Modulation spectra of natural sounds and ethological theories of auditory processing" (2003).

It cannot hear which ripple belongs where: made sounds that all have the right ripples at the wrong
moments, or that are all the same sound, get a good figure. For that there are the others.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sound_vae.data.streaming import Rows, batches
from sound_vae.model.spectrogram import Transform

PATCH_SECONDS = 0.26
PATCH_HZ = 2000.0
SPECTRAL_EDGES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # cycles per kHz
TEMPORAL_EDGES = (0.0, 4.0, 8.0, 16.0, 32.0, 70.0)  # Hz
AUDIBLE_DB = 40.0  # a patch counts when its loudest value is at most this far below the sound's
RANGE_DB = 60.0  # what lies further below a sound's loudest value counts as silence


def patches(
    values: np.ndarray | Rows, transform: Transform, *, overlap: bool = True
) -> Iterator[tuple[int, np.ndarray]]:
    """Cut out what is audible: the number of the sound, and (frames, bins) in decibels.

    0 dB is the sound's loudest value, and what lies more than RANGE_DB below it is silence.
    """
    frames = _even(PATCH_SECONDS * transform.sample_rate / transform.hop_length)
    frames = min(frames, transform.frames)
    step, last = max(frames // 2, 1) if overlap else frames, transform.frames - frames
    for part in batches(values):
        for number, sound in enumerate(np.asarray(values[part], np.float32), part.start):
            if not sound.any():
                continue
            decibels = (sound - sound.max()) * -transform.floor_db
            for start in sorted({*range(0, last, step), last}):
                patch = decibels[start : start + frames]
                if patch.max() > -AUDIBLE_DB:
                    yield number, np.maximum(patch, -RANGE_DB)


def ripples(values: np.ndarray | Rows, transform: Transform) -> np.ndarray:
    """Mean power of the ripples in each sound's audible patches, (sounds, spectral, temporal).

    Bands that the transform cannot resolve, and sounds that are silent, are NaN. `values` are
    (sounds, frames, bins) in 0..1.
    """
    width = min(_even(PATCH_HZ * transform.n_fft / transform.sample_rate), transform.bins)
    found: dict[int, list[np.ndarray]] = {}
    window, bands = np.zeros((0, 0)), np.zeros((0, 0))
    for number, patch in patches(values, transform):
        if not window.size:
            window = np.outer(np.hanning(len(patch)), np.hanning(width)).astype(np.float32)
            bands = _bands(len(patch), width, transform)
        for low in range(0, transform.bins - width + 1, max(width // 2, 1)):
            part = patch[:, low : low + width]
            if part.max() > -AUDIBLE_DB:
                spectrum = np.fft.rfft2((part - part.mean()) * window)
                found.setdefault(number, []).append(np.square(np.abs(spectrum)).ravel())
    shape = (len(values), len(SPECTRAL_EDGES) - 1, len(TEMPORAL_EDGES) - 1)
    power = np.full((len(values), shape[1] * shape[2]), np.nan)
    for number, spectra in found.items():
        power[number] = bands @ np.mean(spectra, axis=0)
    return power.reshape(shape)


def _bands(frames: int, bins: int, transform: Transform) -> np.ndarray:
    """Weights that average a half spectrum (frames x bins) into bands; NaN for an empty one."""
    along_time = np.abs(np.fft.fftfreq(frames, transform.hop_length / transform.sample_rate))
    along_pitch = np.fft.rfftfreq(bins, transform.sample_rate / transform.n_fft / 1000)
    rows = []
    for low, high in pairwise(SPECTRAL_EDGES):
        for slow, fast in pairwise(TEMPORAL_EDGES):
            inside = np.outer(
                (along_time >= slow) & (along_time < fast),
                (along_pitch >= low) & (along_pitch < high),
            ).ravel()
            rows.append(inside / inside.sum() if inside.any() else np.full(len(inside), np.nan))
    return np.array(rows)


def modulation_spectrum(values: np.ndarray | Rows, transform: Transform) -> np.ndarray:
    """Mean power of the ripples of all sounds in decibels, (spectral, temporal); NaN as there.

    Raises ValueError when no sound is audible.
    """
    power = ripples(values, transform)
    heard = power[~np.isnan(power).all(axis=(1, 2))]
    if not len(heard):
        raise ValueError("no sound is audible")
    return 10 * np.log10(heard.mean(axis=0) + 1e-12)


def modulation_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Mean absolute difference of two modulation spectra, in decibels."""
    return float(np.nanmean(np.abs(real - made)))


def _even(number: float) -> int:
    return max(2 * round(number / 2), 2)
