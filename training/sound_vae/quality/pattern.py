"""What all sounds of a decoder have alone: values in one place that stick out of their mean.

    decibels = sticks_out(decoded, recorded, transform)

Cameras have fixed-pattern noise: pixels that are brighter than others in every picture. A decoder
has it when single values cost its loss little and gain it much. In no sound alone can it be told
from what belongs there, and measures that pool over places do not hear it.
"""

import numpy as np

from sound_vae.model.framing import Framing


def sticks_out(decoded: np.ndarray, recorded: np.ndarray, transform: Framing) -> float:
    """Decibels by which one value is too loud in the mean, more than any that is next to it.

    Both are the same sounds, (sounds, frames, bins) in 0..1, at least 3 frames and bins: as they
    were recorded, and coded and decoded. Of other recordings in place of `decoded` it is what
    chance makes of so many.
    """
    too_loud = (decoded - recorded).mean(axis=0, dtype=np.float64) * -transform.floor_db
    beside = [too_loud[:-2, 1:-1], too_loud[2:, 1:-1], too_loud[1:-1, :-2], too_loud[1:-1, 2:]]
    return float((too_loud[1:-1, 1:-1] - np.max(beside, axis=0)).max())
