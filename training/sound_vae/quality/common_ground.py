"""What two models of other rate, length or resolution can both be measured by: their WAV files.

    ground = CommonGround.of(served.transform, model.transform)
    loss = coding_loss(model, ground, recordings)

Both are brought to the lower of the two rates and the shorter of the two lengths. A model codes
and decodes recordings that it was not trained on, as a request with `audio` and temperature 0 does;
the loss is 0.5 ln(mean squared error) of mel bands in decibels, on a scale where 60 dB is 1: the
first term of val_loss, so in nats per value and lower when better.

It cannot hear anything above half the lower rate or after the shorter length, nor phase, nor
loudness (each clip is taken relative to its own loudest band), nor how good sounds are that are
drawn and not coded: for that there is the accuracy, where there are labels.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.audio import Sound, read_sounds, resampled
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.long_recordings import MOST_CLIP_SECONDS, by_file
from sound_vae.model.recogniser import log_mel, normalised
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.served_model import ServedModel, Sounds
from sound_vae.serving.sound_generator import ONSET


@dataclass(frozen=True)
class CommonGround:
    """The lower of two rates and the shorter of two lengths."""

    transform: Transform
    samples: int  # of what is compared; a clip may hold some silence more

    @classmethod
    def of(cls, one: Transform, other: Transform) -> Self:
        """Find it for two models."""
        rate = min(one.sample_rate, other.sample_rate)
        seconds = min(one.seconds, other.seconds)
        return cls(Transform.choose(rate, seconds), math.floor(seconds * rate))

    def __str__(self) -> str:
        seconds = self.samples / self.transform.sample_rate
        return f"{self.transform.sample_rate} Hz and {seconds:.2f} s"

    def spectrograms(self, sounds: Sounds) -> np.ndarray:
        """Bring sounds to the common rate and length, (sounds, frames, bins) in 0..1."""
        return self._transformed(sounds.waves(), sounds.transform.sample_rate)

    def original(self, sound: Sound) -> np.ndarray:
        """Give a recording as the models hear it, from its onset on, (1, frames, bins)."""
        loud = np.abs(sound.samples) > ONSET * np.abs(sound.samples).max()
        return self._transformed(sound.samples[None, loud.argmax() :], sound.rate)

    def reread(self, folder: Path, clips: Dataset, trim_db: float) -> Dataset:
        """Read these clips at the common rate and length."""
        chosen = self.transform.how_to_read()
        data = read_dataset(folder, names=clips.names, trim_db=trim_db, **chosen)
        return data.labelled_by_names(clips.labels)

    def _transformed(self, waves: np.ndarray, rate: int) -> np.ndarray:
        target = self.transform
        clips = np.zeros((len(waves), target.clip_samples), np.float32)
        for clip, wave in zip(clips, waves, strict=True):
            if rate != target.sample_rate:
                wave = resampled(wave, rate, target.sample_rate)
            clip[: min(len(wave), self.samples)] = wave[: self.samples]
        return target.spectrogram(tf.constant(clips)).numpy()


def recordings(folder: Path, names: Sequence[str], trim_db: float) -> list[Sound]:
    """Read files again, at their own rate."""
    read = partial(read_sounds, trim_db, MOST_CLIP_SECONDS, False, folder)
    outcomes = (read(wanted) for wanted in by_file(names))
    return [sound for found in outcomes if not isinstance(found, str) for sound in found]


def coding_loss(model: ServedModel, ground: CommonGround, sounds: Sequence[Sound]) -> float:
    """Loss of coding and decoding recordings, in nats per value without a constant."""
    total, count = 0.0, 0
    for sound in sounds:
        coded = model.vary(_wav(sound), seeds=[0], temperature=0.0)
        a, b = (
            normalised(log_mel(values, ground.transform)).numpy()
            for values in (ground.original(sound), ground.spectrograms(coded))
        )
        audible = (a > 0) | (b > 0)
        total += float(np.square(a - b)[audible].sum())
        count += int(audible.sum())
    return 0.5 * math.log(max(total, 1e-12) / max(count, 1))


def _wav(sound: Sound) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound.samples, sound.rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
