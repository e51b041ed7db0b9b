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
from pathlib import Path
from typing import Self

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.audio import Sound, read_sound, resampled
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.model.recogniser import log_mel, normalised
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.served_model import ServedModel, Sounds
from sound_vae.serving.sound_generator import ONSET

LONGEST_SECONDS = 30.0  # of a recording; no clip is longer


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

    def reread(self, folder: Path, names: Sequence[str], trim_db: float) -> Dataset:
        """Read clips of these names at the common rate and length."""
        data = read_dataset(folder, trim_db=trim_db, **self.transform.how_to_read())
        wanted = set(names)
        return data.subset(np.flatnonzero([name in wanted for name in data.names]))

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
    sounds = (read_sound(trim_db, LONGEST_SECONDS, folder, name) for name in names)
    return [sound for sound in sounds if isinstance(sound, Sound)]


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
