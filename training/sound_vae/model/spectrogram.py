"""Sound to log-magnitude spectrogram and back, as TensorFlow graph code.

A spectrogram is (batch, frames, bins) with values from 0 (`floor_db` or softer) to 1 (0 dB, a
full-scale sine). The top (Nyquist) bin is left out so that bins is a round number; coming back it
is silent.
"""

import math
from typing import Any

import tensorflow as tf

from sound_vae.model.framing import Framing

SILENT = 0.01  # of a spectrogram's 0 to 1: the floor stands for silence


class Transform(Framing):
    """The short-time Fourier transform of a `Framing`, there and back."""

    def spectrogram(self, waves: tf.Tensor) -> tf.Tensor:
        """(batch, clip_samples) in -1..1 to (batch, frames, bins) in 0..1.

        Shorter waves, of a whole number of hops, give a frame for each hop and one more.
        """
        spectrum = self.stft(waves)[:, :, : self.bins]
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        return self.values(power / self._full_scale**2)

    def waveform(self, values: tf.Tensor, iterations: int) -> tf.Tensor:
        """(batch, frames, bins) in 0..1 to (batch, clip_samples) by fast Griffin-Lim.

        Perraudin, Balazs, Søndergaard: "A fast Griffin-Lim algorithm" (2013). In the first phases
        each bin holds a sine of its centre frequency, at an offset that is random but always the
        same, so that the same values give the same sound. Half the iterations do from there
        that it takes from random phases; docs/model.md says what they give.
        """
        magnitude = tf.sqrt(self.power(values)) * self._full_scale
        magnitude = tf.pad(magnitude, [[0, 0], [0, 0], [0, 1]])

        offsets = tf.random.stateless_uniform(
            [self.bins + 1], seed=[0, 0], maxval=2 * math.pi, alg="philox"
        )
        advance = 2 * math.pi * self.hop_length / self.n_fft * tf.range(self.bins + 1.0)
        angles = offsets + tf.range(float(self.frames))[:, None] * advance
        guess = tf.complex(magnitude * tf.cos(angles), magnitude * tf.sin(angles))

        momentum = 0.99
        weight = momentum / (1 + momentum)
        nothing = tf.zeros_like(magnitude)

        # real arithmetic, for TensorFlow divides complex numbers slowly
        def step(
            i: tf.Tensor, guess: tf.Tensor, previous: tuple[tf.Tensor, tf.Tensor]
        ) -> tuple[Any, ...]:
            rebuilt = self.stft(self.inverse(guess))
            parts = tf.math.real(rebuilt), tf.math.imag(rebuilt)
            x, y = (now - weight * before for now, before in zip(parts, previous, strict=True))
            scale = magnitude * tf.math.rsqrt(x * x + y * y + 1e-16)
            return i + 1, tf.complex(x * scale, y * scale), parts

        _, guess, _ = tf.while_loop(
            lambda i, *_: i < iterations, step, [tf.constant(0), guess, (nothing, nothing)]
        )
        return self.inverse(guess)

    def power(self, values: tf.Tensor) -> tf.Tensor:
        """Values in 0..1 to power, where 1 is a full-scale sine; the floor stands for silence."""
        power = tf.exp((1 - values) * (self.floor_db * math.log(10) / 10))
        return tf.where(values > SILENT, power, 0.0)

    def values(self, power: tf.Tensor) -> tf.Tensor:
        """Power, where 1 is a full-scale sine, to values in 0..1."""
        decibels = 10 / math.log(10) * tf.math.log(tf.maximum(power, 1e-14))
        return tf.clip_by_value(1 - decibels / self.floor_db, 0.0, 1.0)

    @property
    def _full_scale(self) -> float:
        """Magnitude of a full-scale sine under a Hann window."""
        return self.n_fft / 4

    def stft(self, waves: tf.Tensor) -> tf.Tensor:
        """(batch, clip_samples) to complex (batch, frames, bins + 1)."""
        padded = tf.pad(waves, [[0, 0], [self.n_fft // 2, self.n_fft // 2]])
        frames = tf.signal.stft(padded, self.n_fft, self.hop_length, self.n_fft)
        return frames[:, : self.frames]

    def inverse(self, frames: tf.Tensor) -> tf.Tensor:
        """Complex (batch, frames, bins + 1) to (batch, clip_samples)."""
        window = tf.signal.inverse_stft_window_fn(self.hop_length)
        waves = tf.signal.inverse_stft(
            frames, self.n_fft, self.hop_length, self.n_fft, window_fn=window
        )[:, self.n_fft // 2 :]
        missing = max(0, self.clip_samples - (self.frames - 1) * self.hop_length - self.n_fft // 2)
        return tf.pad(waves, [[0, 0], [0, missing]])[:, : self.clip_samples]
