"""A trained model to make sounds with in Python: what the endpoint serves, without the endpoint.

model = ServedModel.load("model.tar.gz")             # or the folder that train.py wrote
sounds = model.sample(["seven", "three"], seeds=[1, 2])
Path("seven.wav").write_bytes(sounds.wavs[0])
"""

import tarfile
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np
import tensorflow as tf

from sound_vae.model.autoencoder import VAE
from sound_vae.model.excitation import octaves_heard
from sound_vae.model.exciter import build_exciter
from sound_vae.model.spectrogram import Transform
from sound_vae.serving.description import EXCITER_FILE, WEIGHTS_FILE, Description

UNPACKED_BYTES, MOST_MEMBERS = 4_000_000_000, 10_000  # an archive that holds more is refused
BATCH = 50  # sounds that are made in one call


class ModelError(Exception):
    """There is no model that this version can read; the message is part of a sentence."""


@dataclass(frozen=True)
class Sounds:
    """Sounds that a model made, and their latent vectors."""

    wavs: list[bytes]  # 16-bit mono WAV files
    z: np.ndarray  # (sounds, latent_dim)
    labels: list[str]  # of each sound; empty if they were not made by label
    transform: Transform

    def waves(self) -> np.ndarray:
        """Decode the files to (sounds, clip_samples), float32 in -1..1, with silence at the end."""
        waves = np.zeros((len(self.wavs), self.transform.clip_samples), np.float32)
        for wave, wav in zip(waves, self.wavs, strict=True):
            sound = tf.audio.decode_wav(wav, 1).audio[:, 0].numpy()
            wave[: len(sound)] = sound
        return waves

    def spectrograms(self) -> np.ndarray:
        """Transform the sounds to (sounds, frames, bins), float16 in 0..1, as clips are."""
        waves = self.waves()
        parts = [
            self.transform.spectrogram(tf.constant(waves[start : start + BATCH])).numpy()
            for start in range(0, len(waves), BATCH)
        ]
        return np.concatenate(parts).astype(np.float16)


class ServedModel:
    """The content of a model.tar.gz; graph and networks are loaded when they are needed.

    `labels` and `temperature` are those that requests may name; `transform` has the rate, in Hz,
    and the length of the sounds.
    """

    def __init__(self, name: str, folder: Path, description: Description, keep: Any = None) -> None:
        self.name, self.folder, self.description = name, folder, description
        self.labels = description.labels
        self.transform: Transform = description.transform
        self.temperature = description.temperature
        self._keep = keep  # the temporary folder lives as long as the model does

    @classmethod
    def load(cls, path: Path | str) -> "ServedModel":
        """Open the folder that train.py wrote, or its model.tar.gz.

        Raises ModelError when there is none, or none that this version can read.
        """
        folder, keep = Path(path), None
        if not folder.exists():
            raise ModelError(f"{folder} does not exist")
        if folder.is_file():
            keep = tempfile.TemporaryDirectory()
            folder = Path(keep.name)
            _unpack(Path(path), folder)
        try:
            description = Description.read(folder)
        except Exception as error:  # whatever a file holds that others wrote
            raise _unreadable(Path(path).name, error) from error
        return cls(Path(path).name, folder, description, keep)

    def sample(
        self,
        labels: Sequence[str],
        seeds: Sequence[int] | np.ndarray,
        temperature: float | None = None,
        pitch: float | None = None,
    ) -> Sounds:
        """Make a sound of each label ("" for any) with its seed, at the model's temperature.

        A pitch in Hz must lie in the description's `pitch_range`.
        """
        signature = "serving_default" if pitch is None else "sample_at_pitch"
        parts = []
        for start in range(0, len(labels), BATCH):
            names = list(labels[start : start + BATCH])
            parts.append(
                self._call(
                    signature,
                    label=tf.constant(names, tf.string),
                    seed=tf.constant(seeds[start : start + BATCH], tf.int64),
                    temperature=self._temperature(temperature, len(names)),
                    **self._pitch(pitch, len(names)),
                )
            )
        return self._join(parts)

    def morph(
        self, start: str, end: str, steps: int, *, seed: int = 0, temperature: float | None = None
    ) -> Sounds:
        """Go from one label to another in `steps` sounds."""
        return self._call(
            "morph",
            start=tf.constant(start),
            end=tf.constant(end),
            steps=tf.constant(steps),
            seed=tf.constant(seed, tf.int64),
            temperature=self._temperature(temperature, 1)[0],
        )

    def vary(
        self,
        wav: bytes,
        seeds: Sequence[int] | np.ndarray,
        temperature: float | None = None,
    ) -> Sounds:
        """Make a sound like that of a 16-bit WAV file for each seed; 0 codes and decodes it."""
        return self._call(
            "variations",
            audio_bytes=tf.constant(wav),
            seed=tf.constant(seeds, tf.int64),
            temperature=self._temperature(temperature, len(seeds)),
        )

    def decode(self, z: np.ndarray, pitch: float | None = None) -> Sounds:
        """Make exactly the sounds of these latent vectors, (sounds, latent_dim).

        Those of `sample` with a pitch are the same again with that pitch, in Hz.
        """
        signature = "latents" if pitch is None else "latents_at_pitch"
        parts = []
        for start in range(0, len(z), BATCH):
            some = tf.constant(z[start : start + BATCH], tf.float32)
            parts.append(self._call(signature, z=some, **self._pitch(pitch, len(some))))
        return self._join(parts)

    @cached_property
    def vae(self) -> VAE:
        """Encoder and decoder as Keras models.

        Raises ModelError when the weights are missing or are not those of this architecture.
        """
        vae = VAE(self.description.architecture)
        self._put_weights(vae, WEIGHTS_FILE)
        return vae

    @cached_property
    def exciter(self) -> keras.Model | None:
        """What the vocoder is told by; None in a model without one.

        Raises ModelError as `vae` does.
        """
        if not (self.folder / EXCITER_FILE).is_file():
            return None
        exciter = build_exciter(self.description.architecture, octaves_heard(self.transform))
        self._put_weights(exciter, EXCITER_FILE)
        return exciter

    @cached_property
    def _signatures(self) -> Any:
        self._graph = tf.saved_model.load(str(self.folder / "1"))
        return self._graph.signatures

    def _put_weights(self, network: keras.Model, name: str) -> None:
        file = self.folder / name
        if not file.is_file():
            raise ModelError(f"{self.name} holds no {name}: it is not a whole model")
        try:
            with h5py.File(file) as content:
                saved = _arrays(content)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Keras, about each weight that it misses
                network.load_weights(file)
        except Exception as error:  # whatever a file holds that others wrote
            raise _unreadable(self.name, error) from error
        if saved != len(network.weights):  # Keras leaves what it does not find as it was
            raise ModelError("it was built by another version of this program")

    def _call(self, signature: str, **inputs: tf.Tensor) -> Sounds:
        outputs = self._signatures[signature](**inputs)
        labels = (
            [label.decode() for label in outputs["label"].numpy()] if "label" in outputs else []
        )
        wavs = list(outputs["wav_bytes"].numpy())
        return Sounds(wavs, outputs["z"].numpy(), labels, self.transform)

    def _temperature(self, temperature: float | None, count: int) -> tf.Tensor:
        chosen = self.temperature if temperature is None else temperature
        return tf.fill([count], tf.cast(chosen, tf.float32))

    def _pitch(self, pitch: float | None, count: int) -> dict[str, tf.Tensor]:
        if pitch is None:
            return {}
        limits = self.description.pitch_range
        if not limits:
            raise ModelError(f"{self.name} makes sounds without a pitch")
        if not limits[0] <= pitch <= limits[1]:
            raise ModelError(
                f"{self.name} makes sounds of {limits[0]:g} to {limits[1]:g} Hz, not {pitch:g}"
            )
        return {"pitch": tf.fill([count], float(pitch))}

    def _join(self, parts: list[Sounds]) -> Sounds:
        none = np.zeros((0, self.description.architecture.latent_dim), np.float32)
        return Sounds(
            [wav for part in parts for wav in part.wavs],
            np.concatenate([none, *(part.z for part in parts)]),
            [label for part in parts for label in part.labels],
            self.transform,
        )


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            size = 0
            for number, member in enumerate(tar):
                size += max(member.size, 0)
                if size > UNPACKED_BYTES or number >= MOST_MEMBERS:
                    raise ModelError(
                        f"{archive.name} unpacks to more than {UNPACKED_BYTES:,} bytes or "
                        f"{MOST_MEMBERS:,} files"
                    )
                if not (member.isreg() or member.isdir()):  # no model needs a link or a device
                    raise ModelError(f"{archive.name} holds something that is no file")
            tar.extractall(folder, filter="data")  # refuses paths that lead outside
            while tar.fileobj and tar.fileobj.read(2**20):
                pass  # not before its end is gzip's check sum compared
    except ModelError:
        raise
    except Exception as error:  # whatever a file holds that others wrote
        raise _unreadable(archive.name, error) from error


def _unreadable(name: str, error: Exception) -> ModelError:
    first_line = (str(error).strip().splitlines() or [""])[0]
    return ModelError(f"{name} is no model that this version can read ({first_line[:200]})")


def _arrays(group: h5py.Group) -> int:
    """Count the weights in a file of Keras.

    Raises ValueError when it has them from elsewhere: HDF5 would read any file of the machine.
    """
    count = 0
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError("its weights lie in another place")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ValueError("its weights lie in another file")
            count += 1
        else:
            count += _arrays(item)
    return count
