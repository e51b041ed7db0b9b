"""The excitation of a sound: its pitch, how much of each band is periodic, and its noise floor.

    excitation = analyse(spectrograms, transform)

A sound is an excitation that is filtered: pulses that repeat with the pitch, and noise. Speech has
been coded so since the first vocoders; McAulay and Quatieri, and after them Stylianou, "Applying
the harmonic plus noise model in concatenative speech synthesis" (2001). Here both are read off the
spectrogram: its power is the Fourier transform of each frame's autocorrelation, which peaks at the
period; Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound" (1993).
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft  # type: ignore[import-untyped]
import tensorflow as tf

from sound_vae.model.bands import bands
from sound_vae.model.framing import Framing
from sound_vae.model.harmonics import RESOLVED
from sound_vae.model.noise_floor import noise_floor
from sound_vae.model.spectrogram import Transform

HIGHEST_PITCH = 1600.0  # Hz, which the highest octave does not reach beyond
STEPS = 24  # in an octave, of the paths that a pitch may take
FINER = 5  # places within a step, the best of which is the pitch there: 10 cents
PARTS_OF_A_JUMP = (1, 1, 2, 4)  # sums of some of them are all numbers up to JUMP
JUMP = sum(PARTS_OF_A_JUMP)  # of these steps, that a pitch moves from a frame to the next at most
JUMP_COST = 2.0  # of an octave between two frames, where a period that fits perfectly is worth 1
HIGH_PREFERENCE = 0.04  # an octave; multiples of a period fit as well as the period itself
AUDIBLE_RANGE = 0.6  # of a spectrogram's 0 to 1, below a clip's loudest value: what counts
# how well a period fits where nothing may be periodic, and from where on all may
UNVOICED, VOICED = 0.2, 0.45
SOFT = 0.1  # is how much the noise floor of softer frames counts


@dataclass(frozen=True)
class Excitation:
    """What excites sounds, frame by frame, as arrays or as tensors of a graph."""

    octaves: tf.Tensor  # (sounds, frames), pitch above `lowest_pitch`
    periodicity: tf.Tensor  # (sounds, frames, BANDS), from 0 (noise) to 1
    noise_floor: tf.Tensor  # (sounds, frames, BANDS), a level from 0 to 1 as a spectrogram's


@dataclass(frozen=True)
class Analysis(Excitation):
    """What `analyse` finds, and how much it counts; weights are from 0 to 1."""

    pitch_weight: np.ndarray  # (clips, frames): how much there is to have a pitch
    band_weight: np.ndarray  # (clips, frames, BANDS): 1 where there is sound
    frame_weight: np.ndarray  # (clips, frames): 1 where there is sound, and SOFT elsewhere


def lowest_pitch(transform: Framing) -> float:
    """Give the pitch in Hz of which one period fits into a window: a sine can be told there."""
    return transform.sample_rate / transform.n_fft


def lowest_note(transform: Framing) -> float:
    """Give the pitch in Hz of which two periods fit into a window: harmonics can be told there."""
    return RESOLVED * lowest_pitch(transform)


def octaves_heard(transform: Framing) -> int:
    """Give the number of octaves above `lowest_pitch` that a pitch may lie in."""
    return max(math.floor(math.log2(HIGHEST_PITCH / lowest_pitch(transform))), 1)


def analyse(values: np.ndarray, transform: Transform) -> Analysis:
    """Find the excitation of spectrograms (clips, frames, bins) in 0..1."""
    values = np.asarray(values, np.float32)
    amplitude = np.exp((values - 1) * (-transform.floor_db * np.log(10) / 20))
    loudest = values.max(axis=(1, 2), keepdims=True)
    least = np.maximum(loudest - AUDIBLE_RANGE, 0)
    audible = values.max(axis=2) > least[..., 0]
    octaves, strength = _track(*_fit(amplitude**2 * audible[..., None], transform))
    pitch = lowest_pitch(transform) * 2**octaves
    periodicity = _periodicity(amplitude**2, transform.sample_rate / pitch, transform)
    periodicity *= np.clip((strength - UNVOICED) / (VOICED - UNVOICED), 0, 1)[..., None]
    floor = noise_floor(
        tf.constant(values),
        tf.constant(pitch, tf.float32),
        tf.constant(periodicity @ bands(transform), tf.float32),
        transform,
    )
    parts = bands(transform) > 0
    loud = np.stack([values[..., part].max(axis=2, initial=0) for part in parts], axis=-1)
    return Analysis(
        octaves.astype(np.float32),
        periodicity.astype(np.float32),
        floor.numpy(),
        np.square(np.clip(strength, 0, 1) * audible).astype(np.float32),
        (loud > least).astype(np.float32),
        np.where(audible, 1.0, SOFT).astype(np.float32),
    )


def _fit(power: np.ndarray, transform: Transform) -> tuple[np.ndarray, np.ndarray]:
    """How well each step's best period fits, and its octaves, (clips, frames, steps) each.

    A period fits as far as frames differ less from themselves a period later than they do at all
    lags up to there, so that slowness is not taken for a short period: de Cheveigné and Kawahara,
    "YIN, a fundamental frequency estimator for speech and music" (2002). Where two periods do not
    fit into a window, a sine is told by being its own opposite half a period later.
    """
    nothing = np.zeros((*power.shape[:2], 1), np.float32)
    found = scipy.fft.irfft(np.concatenate([power, nothing], axis=2), axis=2)
    found /= np.maximum(found[..., :1], 1e-20)
    found = found[..., : transform.n_fft // 2 + 1]
    lags = np.arange(transform.n_fft // 2 + 1)
    found /= _of_window(lags, transform).astype(np.float32)
    differs = 1 - found
    total = np.maximum(np.cumsum(differs, axis=2), 1e-6)
    fits = 1 - differs * (lags / total).astype(np.float32)
    steps = np.arange(octaves_heard(transform) * STEPS)
    fit = np.full((*power.shape[:2], len(steps)), -np.inf, np.float32)
    octaves = np.zeros_like(fit)
    for offset in (np.arange(FINER) - FINER // 2) / FINER:
        place = ((steps + offset) / STEPS).astype(np.float32)
        lag = transform.sample_rate / (lowest_pitch(transform) * 2**place)
        half = lag > transform.n_fft / 2
        here = np.where(half, -_at(found, lag / 2), _at(fits, lag))
        octaves = np.where(here > fit, place, octaves)
        fit = np.maximum(here, fit)
    return fit, octaves


def _at(found: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Read (clips, frames, lags) between two lags each, (clips, frames, number of `lag`)."""
    lag = np.clip(lag, 1, found.shape[2] - 1.001)
    below = lag.astype(int)
    share = (lag - below).astype(np.float32)
    return np.take(found, below, axis=2) * (1 - share) + np.take(found, below + 1, axis=2) * share


def _track(fit: np.ndarray, octaves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best path through the steps (Viterbi): its octaves and fit, (clips, frames) each."""
    clips, frames, count = fit.shape
    step_cost = np.float32(JUMP_COST / STEPS)
    worth = fit + np.float32(HIGH_PREFERENCE) * np.arange(count, dtype=np.float32) / STEPS
    # of the best path to each step, with margins that no path can be in
    best = np.full((clips, frames, count + 2 * JUMP), -np.inf, np.float32)
    inner = best[..., JUMP:-JUMP]
    inner[:, 0] = worth[:, 0]
    for frame in range(1, frames):
        inner[:, frame] = _reached(best[:, frame - 1], step_cost)[:, JUMP:-JUMP] + worth[:, frame]
    path = np.zeros((clips, frames), int)
    path[:, -1] = inner[:, -1].argmax(axis=1)
    jumps = np.arange(2 * JUMP + 1)
    cost = step_cost * np.abs(jumps - JUMP)
    every = np.arange(clips)[:, None]
    for frame in range(frames - 1, 0, -1):
        before = best[every, frame - 1, path[:, frame, None] + jumps] - cost
        path[:, frame - 1] = path[:, frame] + before.argmax(axis=1) - JUMP
    chosen = path[..., None]
    along = (np.take_along_axis(part, chosen, axis=2)[..., 0] for part in (octaves, fit))
    return next(along), next(along)


def _reached(best: np.ndarray, step_cost: np.float32) -> np.ndarray:
    """Give the best of all jumps to each step, (clips, steps), their cost taken off.

    As the cost is in proportion to the distance, the `PARTS_OF_A_JUMP`, each made or not, come to
    the same as one jump of up to `JUMP` steps, in fewer comparisons.
    """
    reached = best.copy()
    for distance in PARTS_OF_A_JUMP:
        lower = reached - step_cost * np.float32(distance)
        np.maximum(reached[:, distance:], lower[:, :-distance], out=reached[:, distance:])
        np.maximum(reached[:, :-distance], lower[:, distance:], out=reached[:, :-distance])
    return reached


def _periodicity(power: np.ndarray, lag: np.ndarray, transform: Transform) -> np.ndarray:
    """Height of each band's autocorrelation at a lag (clips, frames), in samples."""
    weights = bands(transform).T
    lag = np.where(lag > transform.n_fft / 2, lag / 2, lag)
    turn = (2 * np.pi / transform.n_fft * lag).astype(np.float32)
    angle = turn[..., None] * np.arange(transform.bins, dtype=np.float32)
    turned = [(power * part(angle)) @ weights for part in (np.cos, np.sin)]
    height = np.hypot(*turned) / np.maximum(power @ weights, 1e-20)
    return np.clip(height / _of_window(lag, transform)[..., None], 0, 1)


def _of_window(lag: np.ndarray, transform: Transform) -> np.ndarray:
    """Autocorrelation of the window itself at lags in samples, as a discrete spectrum gives it."""
    window = np.hanning(transform.n_fft + 1)[:-1]
    found = np.fft.irfft(np.abs(np.fft.rfft(window)) ** 2)
    return np.maximum(np.interp(lag, np.arange(transform.n_fft), found / found[0]), 1e-3)
