"""How much contrast a vocoder needs, which the clips decide.

    contrast = fitting_contrast(generator_with, training, posterior_means(vae, training))

A window's length before and after a loud moment, and bins beside a loud one, a vocoder fills in: it
filters by a spectrogram that has been smeared once, and what it makes is smeared again. How much
that is depends on how steep sounds are.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import subsample
from sound_vae.model.recogniser import log_mel, normalised
from sound_vae.serving.served_model import Sounds
from sound_vae.serving.sound_generator import SoundGenerator

CLIPS, FRAMES = 160, 60_000  # that are coded and decoded, at most
FRAMES_AT_ONCE = 2_000
LEAST, MOST = 1.0, 1.15


def fitting_contrast(
    generator_with: Callable[[float], SoundGenerator],
    data: Dataset,
    means: np.ndarray,
    *,
    seed: int = 0,
) -> float:
    """Find the contrast with which coded clips are as loud in the mean of decibels as they were.

    `generator_with` makes the generator of a contrast; `means` (clips, latent_dim) are what the
    clips are coded as. The mean is over mel bands that can be heard in the clip or in the sound,
    each relative to its own loudest. It lies between `LEAST` and `MOST`.
    """
    transform = data.transform
    some = subsample(np.arange(len(data)), min(CLIPS, max(FRAMES // transform.frames, 1)), seed)
    at_once = max(FRAMES_AT_ONCE // transform.frames, 1)
    parts = [some[start : start + at_once] for start in range(0, len(some), at_once)]

    def mel(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = normalised(log_mel(values, transform)).numpy()
        return found

    def too_loud(contrast: float) -> float:
        generator = generator_with(contrast)
        total, count = 0.0, 0
        for part in parts:
            wavs = generator.latents(tf.constant(means[part]))["wav_bytes"].numpy()
            sounds = Sounds(list(wavs), means[part], [], transform)
            wanted, made = mel(data.clips[part]), mel(sounds.spectrograms())
            audible = (wanted > 0) | (made > 0)
            total, count = total + float((made - wanted)[audible].sum()), count + audible.sum()
        return total / max(count, 1)

    low, high = too_loud(LEAST), too_loud(MOST)
    if low <= 0 or high >= low:
        return LEAST
    return round(LEAST + (MOST - LEAST) * min(low / (low - high), 1.0), 3)
