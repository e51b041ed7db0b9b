"""Sounds to compare: a recording, what the model makes of it, and a new one of the same label."""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.audio import Sound, cropped, read_sound, resampled
from sound_vae.data.dataset import Dataset
from sound_vae.data.folder import is_sound
from sound_vae.fit.arguments import hyperparameters
from sound_vae.model.spectrogram import PEAK, Transform
from sound_vae.serving.served_model import ServedModel

MOST_EXAMPLES, WITHOUT_LABELS = 12, 4
MOST_SECONDS = 60.0  # of sound in the page, all together; at 44.1 kHz 7 MB as base64


@dataclass(frozen=True)
class Example:
    """WAV files and spectrograms, (frames, bins) in 0..1, of one label ("" for none)."""

    label: str
    name: str  # of the recording, below the data folder
    held_back: bool  # the recording was not learnt from
    wavs: tuple[bytes, bytes, bytes]  # real, coded and decoded, new
    spectrograms: tuple[np.ndarray, np.ndarray, np.ndarray]


def examples(
    model: ServedModel,
    folder: Path,
    training: Dataset,
    validation: Dataset,
    trim_db: float,
) -> list[Example]:
    """Make an example of as many labels as the page has room for, in the labels' order."""
    transform = model.transform
    room = max(int(MOST_SECONDS / 3 / transform.seconds), 1)
    chosen = _chosen(training, validation, room)
    if not chosen:
        return []
    new = model.sample([label for label, *_ in chosen], range(len(chosen)))
    found = []
    for number, (label, data, clip) in enumerate(chosen):
        real = _recording(folder, data, clip, trim_db)
        coded = model.vary(real, seeds=[0], temperature=0.0).wavs[0]
        wavs = (real, coded, new.wavs[number])
        pictures = tuple(_transformed(wav, transform) for wav in wavs)
        found.append(
            Example(label, data.names[clip], data is validation, wavs, pictures)  # type: ignore[arg-type]
        )
    return found


def _chosen(training: Dataset, validation: Dataset, room: int) -> list[tuple[str, Dataset, int]]:
    """Choose labels and a clip of each, one that was held back where there is one."""
    if not training.labels:
        count = min(WITHOUT_LABELS, room, len(validation))
        return [("", validation, clip) for clip in range(count)]
    chosen = []
    for label, name in enumerate(training.labels):
        for data in (validation, training):
            mine = np.flatnonzero(data.label_ids == label)
            if len(mine):
                chosen.append((name, data, int(mine[0])))
                break
    return chosen[: min(MOST_EXAMPLES, room)]


def _recording(folder: Path, data: Dataset, clip: int, trim_db: float) -> bytes:
    """Give the recording as the model learns it: trimmed, at its rate, no longer than its clips.

    One that is there as a spectrogram alone, or can no longer be read, gets its phases
    reconstructed.
    """
    transform, name = data.transform, data.names[clip]
    if is_sound(name):
        sound = read_sound(trim_db, transform.seconds, folder, name)
        if isinstance(sound, Sound):
            return _wav(sound, transform)
    iterations = hyperparameters()["griffin_lim_iterations"]["default"]
    values = tf.constant(data.clips[np.array([clip])], tf.float32)
    wave = transform.waveform(values, iterations)[0]
    wave *= PEAK / tf.maximum(tf.reduce_max(tf.abs(wave)), 1e-6)
    return tf.audio.encode_wav(wave[:, None], transform.sample_rate).numpy()


def _wav(sound: Sound, transform: Transform) -> bytes:
    wave = sound.samples
    if sound.rate != transform.sample_rate:
        wave = resampled(wave, sound.rate, transform.sample_rate)
    if len(wave) > transform.clip_samples:
        wave = cropped(wave, transform.clip_samples)
    file = io.BytesIO()
    soundfile.write(file, wave, transform.sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _transformed(wav: bytes, transform: Transform) -> np.ndarray:
    """Give the spectrogram of a WAV file of any length, padded or cut to a clip's."""
    wave = tf.audio.decode_wav(wav, 1).audio[: transform.clip_samples, 0]
    missing = transform.clip_samples - len(wave)
    return transform.spectrogram(tf.pad(wave, [[0, missing]])[None])[0].numpy()


def seconds_heard(data: Dataset, most: int, seed: int) -> np.ndarray:
    """Measure how long clips sound until their last audible frame, in seconds (clips,)."""
    some = data.subsample(most, seed)
    step = data.transform.hop_length / data.transform.sample_rate
    lengths: list[float] = []
    size = max(2**22 // math.prod(some.clips.shape[1:]), 1)
    for start in range(0, len(some), size):
        loud = (
            np.asarray(some.clips[np.arange(start, min(start + size, len(some)))]).max(axis=2) > 0
        )
        last = loud.shape[1] - loud[:, ::-1].argmax(axis=1)
        lengths += (np.where(loud.any(axis=1), last, 0) * step).tolist()
    return np.array(lengths)
