"""How much contrast a vocoder needs, which the clips decide.

    contrast = fitting_contrast(vae, exciter, training, posterior_means(vae, training), trim_db=45)

A window's length before and after a loud moment, and bins beside a loud one, a vocoder fills in: it
filters by a spectrogram that has been smeared once, and what it makes is smeared again. How much
that is depends on how steep sounds are.
"""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import subsample
from sound_vae.model.autoencoder import VAE
from sound_vae.model.exciter import excite
from sound_vae.model.recogniser import log_mel, normalised
from sound_vae.model.trimming import ends, faded
from sound_vae.model.vocoder import Vocoder
from sound_vae.model.wav_files import as_loud_as_clips

CLIPS, FRAMES = 160, 60_000  # that are coded and decoded, at most
FRAMES_AT_ONCE = 2_000
LEAST, MOST = 1.0, 1.15


def fitting_contrast(
    vae: VAE,
    exciter: keras.Model,
    data: Dataset,
    means: np.ndarray,
    *,
    trim_db: float,
    seed: int = 0,
) -> float:
    """Find the contrast with which coded clips are as loud in the mean of decibels as they were.

    `means` (clips, latent_dim) are what the clips are coded as. The mean of decibels is over mel
    bands that can be heard in either, relative to each sound's loudest; sounds end where they are
    `trim_db` below that, as the clips do.
    """
    transform = data.transform
    some = subsample(np.arange(len(data)), min(CLIPS, max(FRAMES // transform.frames, 1)), seed)
    at_once = max(FRAMES_AT_ONCE // transform.frames, 1)
    parts = [some[start : start + at_once] for start in range(0, len(some), at_once)]

    def mel(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = normalised(log_mel(values, transform)).numpy()
        return found

    def too_loud(contrast: float) -> float:
        vocoder = Vocoder(transform, contrast)

        @partial(tf.function, autograph=False, reduce_retracing=True)
        def graph(z: tf.Tensor) -> tf.Tensor:
            waves = as_loud_as_clips(vocoder.waveform(vae.decode(z), excite(exciter, z), z))
            after = ends(waves, transform.sample_rate, trim_db)
            return transform.spectrogram(faded(waves, after, transform.sample_rate))

        total, count = 0.0, 0
        for part in parts:
            wanted, made = mel(data.clips[part]), mel(graph(tf.constant(means[part])).numpy())
            audible = (wanted > 0) | (made > 0)
            total, count = total + float((made - wanted)[audible].sum()), count + audible.sum()
        return total / max(count, 1)

    low, high = too_loud(LEAST), too_loud(MOST)
    if low <= 0 or high >= low:
        return LEAST
    return round(LEAST + (MOST - LEAST) * min(low / (low - high), 1.0), 3)
