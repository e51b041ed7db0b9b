"""The noise floor of a sound: breath, bow, hammer, room; whatever lies between its harmonics.

How periodic a band is says little of it: beside harmonics that are 30 dB louder it is a thousandth
of the band, and still what tells a violin from a trumpet. So it is a level of its own.
"""

import tensorflow as tf

from sound_vae.model.bands import bands, level_in_bands
from sound_vae.model.framing import Framing
from sound_vae.model.harmonics import between, pulses, smoothed, width_of
from sound_vae.model.spectrogram import Transform

# A line is wider than a pulse's, for it trembles; so more of it lies between the lines.
LEAKS = 2.0  # times as much power as of a pulse
LEAST = 1e-4  # of what lies between the lines is noise
MOST_RAISED, MOST_LOWERED = 0.1, 0.3  # of a spectrogram's 0 to 1: 8 and 24 dB


def noise_floor(
    values: tf.Tensor, pitch: tf.Tensor, periodic: tf.Tensor, transform: Transform
) -> tf.Tensor:
    """Read the level off spectrograms (clips, frames, bins), (clips, frames, BANDS) in 0..1.

    It is the mean in decibels of what lies between the harmonics of `pitch` (clips, frames) in Hz,
    without what a window smears of these, by how `periodic` (clips, frames, bins) each bin is.
    """
    width = width_of(pitch, transform)
    lines = tf.square(tf.abs(transform.stft(pulses(pitch, transform))[..., : transform.bins]))
    lines /= 3 / 8 * transform.n_fft  # the energy of a Hann window: of white noise it leaves 1
    leak = tf.exp(between(tf.math.log(lines + 1e-8), width))
    leak *= LEAKS * periodic * smoothed(transform.power(values), width)
    power = transform.power(between(values, width))
    return level_in_bands(transform.values(tf.maximum(power - leak, LEAST * power)), transform)


def noise_between(
    values: tf.Tensor, width: tf.Tensor, floor: tf.Tensor, transform: Framing
) -> tf.Tensor:
    """Bring what decoded values (batch, frames, bins) have between harmonics to the level `floor`.

    `width` (batch, frames) is in bins, `floor` (batch, frames, BANDS) in 0..1 as values are.
    A decoder blurs: what it has there is too loud, but goes up and down where it should.
    """
    found = between(values, width)
    off = tf.clip_by_value(floor - level_in_bands(found, transform), -MOST_LOWERED, MOST_RAISED)
    return found + off @ tf.constant(bands(transform))
