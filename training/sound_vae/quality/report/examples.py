"""Sounds to compare: a recording, what the model makes of it, and a new one of the same label."""

import argparse
import io
import math
from dataclasses import dataclass

import numpy as np
import soundfile
import tensorflow as tf

from sound_vae.data.audio import Sound, cropped, read_sound, resampled
from sound_vae.data.dataset import Dataset
from sound_vae.data.folder import is_sound
from sound_vae.data.long_recordings import file_of
from sound_vae.data.one_of_each import one_of_each
from sound_vae.model.spectrogram import Transform
from sound_vae.model.wav_files import wav_files
from sound_vae.quality.report.run import Run
from sound_vae.serving.served_model import Sounds

MOST_EXAMPLES, WITHOUT_LABELS = 12, 4
MOST_SECONDS = 60.0  # of sound in the page, all together; at 44.1 kHz 7 MB as base64


@dataclass(frozen=True)
class Example:
    """WAV files and spectrograms, values in 0..1, of one label ("" for none)."""

    label: str
    name: str  # of the recording, below the data folder
    held_back: bool  # the recording was not learnt from
    wavs: list[bytes]  # real, coded and decoded, new
    spectrograms: np.ndarray  # (3, frames, bins)


def examples(run: Run) -> list[Example]:
    """Make an example of as many labels as the page has room for, in the labels' order."""
    model, transform = run.model, run.model.transform
    room = max(int(MOST_SECONDS / 3 / transform.seconds), 1)
    chosen = one_of_each(
        run.training, run.validation, min(MOST_EXAMPLES, room), without_labels=WITHOUT_LABELS
    )
    labels = [_label(data, clip) for data, clip in chosen]
    found = []
    new = model.sample(labels, range(len(labels))).wavs
    for (data, clip), label, made in zip(chosen, labels, new, strict=True):
        real = _recording(run.args, data, clip)
        coded = model.vary(real, seeds=[0], temperature=0.0).wavs[0]
        trio = Sounds([real, coded, made], np.zeros((3, 0)), [], transform)
        held_back = data is run.validation
        found.append(Example(label, data.names[clip], held_back, trio.wavs, trio.spectrograms()))
    return found


def _label(data: Dataset, clip: int) -> str:
    return data.labels[data.label_ids[clip]] if data.labels else ""


def _recording(args: argparse.Namespace, data: Dataset, clip: int) -> bytes:
    """Give the recording as the model learns it: trimmed, at its rate, no longer than its clips.

    One that is there as a spectrogram alone, or can no longer be read, gets its phases
    reconstructed.
    """
    transform, name = data.transform, data.names[clip]
    if is_sound(file_of(name)):
        sound = read_sound(args.trim_db, transform.seconds, args.data, name)
        if isinstance(sound, Sound):
            return _wav(sound, transform)
    values = tf.constant(data.clips[np.array([clip])], tf.float32)
    waves = transform.waveform(values, args.griffin_lim_iterations)
    return bytes(wav_files(waves, transform.sample_rate, args.trim_db)[0].numpy())


def _wav(sound: Sound, transform: Transform) -> bytes:
    wave = sound.samples
    if sound.rate != transform.sample_rate:
        wave = resampled(wave, sound.rate, transform.sample_rate)
    if len(wave) > transform.clip_samples:
        wave = cropped(wave, transform.clip_samples)
    file = io.BytesIO()
    soundfile.write(file, wave, transform.sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


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
