"""Which way of making waves comes nearer to the recordings: the vocoder's, or Griffin-Lim's.

A vocoder gives a sound one pitch and noise. That is a voice or a note of one instrument, and not a
chord, a cymbal or a street; there phases are better reconstructed from the decoded spectrogram as
it is. The data decide: sounds made in both ways are compared with training clips by features that
nobody has trained (`Likeness`).
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.quality.likeness import Likeness
from sound_vae.serving.served_model import BATCH, Sounds
from sound_vae.serving.sound_generator import SoundGenerator

SOUNDS, FEWEST = 200, 50  # of each kind that are compared: fewer when they are long
MOST_VALUES = 20_000_000  # of their spectrograms, which are held in memory


@dataclass(frozen=True)
class Rendering:
    """How far the sounds of either way lie from the recordings."""

    with_vocoder: float
    without: float

    @property
    def vocoder_is_nearer(self) -> bool:
        """Whether the vocoder's sounds are those nearer to the recordings."""
        return self.with_vocoder < self.without

    def __str__(self) -> str:
        chosen = "a vocoder" if self.vocoder_is_nearer else "phase reconstruction"
        return (
            f"sounds are made by {chosen}: with a vocoder they lie {self.with_vocoder:.2f} from "
            f"the recordings, with reconstructed phases {self.without:.2f}"
        )


def compare_renderings(
    with_vocoder: SoundGenerator,
    without: SoundGenerator,
    real: Dataset,
    temperature: float,
    *,
    seed: int = 0,
) -> Rendering:
    """Compare the same latent vectors' sounds, of labels as often as the clips have them."""
    values = real.transform.frames * real.transform.bins
    most = max(min(SOUNDS, MOST_VALUES // values), FEWEST)
    heard = (real.labelled() if real.labels else real).subsample(most, seed)
    names = [heard.labels[i] if heard.labels else "" for i in heard.label_ids]
    likeness = Likeness(heard.clips, heard.transform)

    def distance(generator: SoundGenerator) -> float:
        wavs: list[bytes] = []
        z: list[np.ndarray] = []
        for start in range(0, len(names), BATCH):
            labels = tf.constant(names[start : start + BATCH])
            seeds = tf.range(start, start + len(labels), dtype=tf.int64)
            made = generator.sample(labels, seeds, tf.fill([len(labels)], float(temperature)))
            wavs += list(made["wav_bytes"].numpy())
            z.append(made["z"].numpy())
        sounds = Sounds(wavs, np.concatenate(z), names, heard.transform)
        return likeness.distance(sounds.spectrograms())

    return Rendering(distance(with_vocoder), distance(without))
