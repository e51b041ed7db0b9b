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
from sound_vae.model.recogniser import log_mel
from sound_vae.serving.served_model import Sounds
from sound_vae.serving.sound_generator import SoundGenerator

CLIPS, FRAMES = 160, 60_000  # that are coded and decoded, at most
FRAMES_AT_ONCE = 2_000  # that are in memory
# Below a clip's loudest part: what lies above the first is loud, what lies between them soft.
LOUD_DB, SOFT_DB = 20.0, 50.0
FEWEST_PARTS = 20  # of either kind that say something of a clip
LEAST, MOST = 1.0, 1.15


def fitting_contrast(
    generator_with: Callable[[float], SoundGenerator],
    data: Dataset,
    means: np.ndarray,
    *,
    seed: int = 0,
) -> float:
    """Find the contrast with which soft parts of coded clips are as far below loud ones as before.

    `generator_with` makes the generator of a contrast; `means` (clips, latent_dim) are what the
    clips are coded as. Parts are mel bands at a moment, and the median of what each kind is off by
    counts: a sound's loudest value, which a decoder blurs most, says nothing of the others. It lies
    between `LEAST` and `MOST`.
    """
    transform = data.transform
    some = subsample(np.arange(len(data)), min(CLIPS, max(FRAMES // transform.frames, 1)), seed)
    at_once = max(FRAMES_AT_ONCE // transform.frames, 1)
    parts = [some[start : start + at_once] for start in range(0, len(some), at_once)]

    def soft_too_loud(contrast: float) -> float:
        generator = generator_with(contrast)
        found: list[float] = []
        for part in parts:
            wavs = generator.latents(tf.constant(means[part]))["wav_bytes"].numpy()
            sounds = Sounds(list(wavs), means[part], [], transform).spectrograms()
            wanted = log_mel(data.clips[part], transform)
            made = log_mel(sounds, transform)
            off = made - wanted
            # by the recording alone, what chance had made loud there would always seem too soft
            level = (made + wanted) / 2
            below = level.max(axis=(1, 2), keepdims=True) - level
            loud, soft = below < LOUD_DB, (below >= LOUD_DB) & (below < SOFT_DB)
            found += [
                float(np.median(o[s]) - np.median(o[i]))
                for o, i, s in zip(off, loud, soft, strict=True)
                if min(i.sum(), s.sum()) >= FEWEST_PARTS
            ]
        return float(np.mean(found)) if found else 0.0

    low, high = soft_too_loud(LEAST), soft_too_loud(MOST)
    if low <= 0 or high >= low:
        return LEAST
    return round(LEAST + (MOST - LEAST) * min(low / (low - high), 1.0), 3)
