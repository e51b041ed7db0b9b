"""The served graph: turns labels, a recording or z into the bytes of WAV files.

All of it is TensorFlow graph code, so that the serving container needs no package.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from sound_vae.model.autoencoder import VAE
from sound_vae.model.density import LabelMixtures
from sound_vae.model.exciter import excite
from sound_vae.model.framing import PEAK
from sound_vae.model.pitch import DRAWS, moved_to, nearest, octaves_of
from sound_vae.model.vocoder import Vocoder
from sound_vae.model.wav_files import wav_files
from sound_vae.serving.description import Description

ONSET = 0.02  # of the peak: what comes before is silence
AUDIBLE_VALUE = 0.05  # of a spectrogram, on its 0 to 1 scale: 4 dB above the floor


class SoundGenerator(tf.Module):
    """Makes sounds; a sound's noise depends on its seed alone, not on the rest of the batch.

    With an exciter a vocoder makes the waveform, else Griffin-Lim in `iterations` rounds.
    """

    def __init__(
        self,
        vae: VAE,
        density: LabelMixtures,
        description: Description,
        iterations: int,
        exciter: keras.Model | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = vae.encoder, vae.decoder
        self.density, self.iterations = density, iterations
        self.transform, self.texture = description.transform, description.texture
        self.trim_db = description.trim_db
        self.exciter = exciter
        self.vocoder = Vocoder(description.transform, description.contrast)
        self.labels = tf.constant(description.labels or [""])
        # one function that all signatures call: in each of them it would be traced, saved and
        # loaded again
        z = tf.TensorSpec([None, vae.architecture.latent_dim], tf.float32, "z")
        self.latents = tf.function(self._render, autograph=False, input_signature=[z])
        if exciter:
            self._sing(z)

    def _sing(self, z: tf.TensorSpec) -> None:
        """Make what needs an exciter; all functions of a module are saved, and so traced."""

        def graph(function: Callable[..., Any], *signature: tf.TensorSpec) -> Any:
            return tf.function(function, autograph=False, input_signature=signature)

        label = tf.TensorSpec([None], tf.string, "label")
        start, end = (tf.TensorSpec([], tf.string, name) for name in ("start", "end"))
        seeds, seed = (tf.TensorSpec(shape, tf.int64, "seed") for shape in ([None], []))
        several, one = (tf.TensorSpec(shape, tf.float32, "temperature") for shape in ([None], []))
        pitch = tf.TensorSpec([None], tf.float32, "pitch")
        self.latents_at_pitch = graph(self._render, z, pitch)
        self.sample_at_pitch = graph(self._sample_at_pitch, label, seeds, several, pitch)
        self.morph_at_pitch = graph(self._morph_at_pitch, start, end, seed, one, pitch)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, "label"),
            tf.TensorSpec([None], tf.int64, "seed"),
            tf.TensorSpec([None], tf.float32, "temperature"),
        ],
    )
    def sample(
        self, label: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Make new sounds; an empty label means any label."""
        label_id = tf.where(label == "", self.density.choose(seed), self._label_id(label))
        z = self.density.sample(label_id, seed, temperature)
        return {**self.latents(z), "label": tf.gather(self.labels, label_id)}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([], tf.string, "start"),
            tf.TensorSpec([], tf.string, "end"),
            tf.TensorSpec([], tf.int32, "steps"),
            tf.TensorSpec([], tf.int64, "seed"),
            tf.TensorSpec([], tf.float32, "temperature"),
        ],
    )
    def morph(
        self,
        start: tf.Tensor,
        end: tf.Tensor,
        steps: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Interpolate in latent space; both ends use one seed and so the same noise."""
        both = tf.ones([2])
        ends = self.density.sample(
            self._label_id(tf.stack([start, end])), tf.stack([seed, seed]), temperature * both
        )
        share = tf.linspace(0.0, 1.0, steps)[:, None]
        return self.latents((1 - share) * ends[:1] + share * ends[1:])

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([], tf.string, "audio_bytes"),
            tf.TensorSpec([None], tf.int64, "seed"),
            tf.TensorSpec([None], tf.float32, "temperature"),
        ],
    )
    def variations(
        self, audio_bytes: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Make sounds like a 16-bit WAV of any rate; temperature 0 codes and decodes it."""
        wave = self._fit(audio_bytes)
        mu, _ = self.encoder(self.transform.spectrogram(wave[None]), training=False)
        return self.latents(self.density.around(mu, seed, temperature))

    def _sample_at_pitch(
        self, label: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, pitch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Make new sounds with a pitch in Hz; an empty label means any label.

        Of some sounds that the label might have, the one whose own pitch is nearest is moved there.
        """
        label_id = tf.where(label == "", self.density.choose(seed), self._label_id(label))
        wanted = octaves_of(pitch, self.transform)
        z = tf.map_fn(  # one sound after the other, so that many take no more memory
            lambda sound: self._drawn_near(*sound),
            (label_id, seed, temperature, wanted),
            fn_output_signature=tf.TensorSpec([self.decoder.input_shape[1]], tf.float32),
            parallel_iterations=1,
        )
        return {**self.latents_at_pitch(z, pitch), "label": tf.gather(self.labels, label_id)}

    def _drawn_near(
        self, label_id: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, wanted: tf.Tensor
    ) -> tf.Tensor:
        """Draw a sound's latent vectors (DRAWS, latent_dim); give the nearest in pitch."""
        seeds = seed + tf.range(DRAWS, dtype=tf.int64) * 2**32  # those of requests are below 2^31
        z = self.density.sample(tf.fill([DRAWS], label_id), seeds, tf.fill([DRAWS], temperature))
        return nearest(self.exciter, z, wanted)

    def _morph_at_pitch(
        self,
        start: tf.Tensor,
        end: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        pitch: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Interpolate between two sounds of the first and the last pitch, a step for each pitch."""
        ends = self.sample_at_pitch(
            tf.stack([start, end]),
            tf.stack([seed, seed]),
            tf.fill([2], temperature),
            tf.stack([pitch[0], pitch[-1]]),
        )["z"]
        share = tf.linspace(0.0, 1.0, tf.shape(pitch)[0])[:, None]
        return self.latents_at_pitch((1 - share) * ends[:1] + share * ends[1:], pitch)

    def _label_id(self, label: tf.Tensor) -> tf.Tensor:
        same = label[:, None] == self.labels[None]
        known = tf.reduce_all(tf.reduce_any(same, axis=1) | (label == ""))
        check = tf.debugging.Assert(known, ["a label is none of", self.labels])
        with tf.control_dependencies([check]):
            return tf.argmax(tf.cast(same, tf.int32), axis=1, output_type=tf.int32)

    def _render(self, z: tf.Tensor, pitch: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Make the sounds of exactly these latent vectors, (batch, latent_dim), as WAV files.

        Each has its own pitch, or is moved to one in Hz, (batch,).
        """
        values = self._roughen(self.decoder(z, training=False))
        if self.exciter:
            excitation = excite(self.exciter, z)
            if pitch is not None:
                wanted = octaves_of(pitch, self.transform)
                excitation = moved_to(wanted, excitation, values, self.transform)
            waves = self.vocoder.waveform(values, excitation, z)
        else:
            waves = self.transform.waveform(values, self.iterations)
        wavs = wav_files(waves, self.transform.sample_rate, self.trim_db)
        return {"wav_bytes": wavs, "z": z}

    def _roughen(self, values: tf.Tensor) -> tf.Tensor:
        """Add the likelihood's noise where there is sound.

        The decoder gives the mean of its Gaussian, which is smoother than any real sound. The
        noise is always the same, so that z alone decides the sound.
        """
        shape = [self.transform.frames, self.transform.bins]
        noise = tf.random.stateless_normal(shape, seed=[0, 0], alg="philox") * self.texture
        return tf.clip_by_value(values + tf.where(values > AUDIBLE_VALUE, noise, 0.0), 0.0, 1.0)

    def _fit(self, audio_bytes: tf.Tensor) -> tf.Tensor:
        """Bring a WAV file to the form of training clips: mono, trimmed, resampled, padded."""
        channels, rate = tf.audio.decode_wav(audio_bytes)
        wave = tf.reduce_mean(channels, axis=1)
        peak = tf.reduce_max(tf.abs(wave))
        audible = tf.debugging.Assert(peak > 1e-4, ["audio is silent"])
        with tf.control_dependencies([audible]):
            onset = tf.where(tf.abs(wave) > ONSET * peak)[0, 0]
        wave = resample(wave[onset:], rate, self.transform.sample_rate)
        wave = wave[: self.transform.clip_samples]
        peak = tf.reduce_max(tf.abs(wave))
        audible = tf.debugging.Assert(peak > 1e-4, ["audio has no sound that the model can hear"])
        with tf.control_dependencies([audible]):
            wave = wave * (PEAK / peak)
        wave = tf.pad(wave, [[0, self.transform.clip_samples - tf.shape(wave)[0]]])
        return tf.ensure_shape(wave, [self.transform.clip_samples])


def resample(wave: tf.Tensor, rate: tf.Tensor, target: int) -> tf.Tensor:
    """Bring (samples,) at `rate` Hz to `target` Hz by cropping or padding the spectrum."""
    before = tf.shape(wave)[0]
    after = tf.maximum(tf.cast(before, tf.int64) * target // tf.cast(rate, tf.int64), 2)
    after = tf.cast(after, tf.int32)
    spectrum = tf.signal.rfft(wave)[: after // 2 + 1]
    spectrum = tf.pad(spectrum, [[0, after // 2 + 1 - tf.shape(spectrum)[0]]])
    scale = tf.cast(after, tf.float32) / tf.cast(before, tf.float32)
    return tf.signal.irfft(spectrum, [after]) * scale
