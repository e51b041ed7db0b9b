"""A sound at a wanted pitch: one that lies near it by itself, moved the rest of the way.

A vocoder can give a sound any pitch. But a flute's low notes sound otherwise than its high ones,
so the latent vector should be that of a note nearby; what is left between learnt notes is moved.
"""

import math
from dataclasses import replace

import keras
import tensorflow as tf

from sound_vae.model.excitation import Excitation, lowest_note, lowest_pitch, octaves_heard
from sound_vae.model.exciter import excite
from sound_vae.model.framing import Framing
from sound_vae.model.spectrogram import Transform

ODD = 20  # one in so many draws at either end is not typical of its label
DRAWS = 64  # latent vectors of a label, one of which is the nearest


def pitch_range(transform: Framing) -> tuple[float, float]:
    """Give the lowest and the highest pitch in Hz that sounds can be moved to."""
    return lowest_note(transform), lowest_pitch(transform) * 2 ** octaves_heard(transform)


def octaves_of(pitch: tf.Tensor, transform: Transform) -> tf.Tensor:
    """Bring Hz to octaves above the lowest pitch."""
    return tf.math.log(pitch / lowest_pitch(transform)) / math.log(2)


def nearest(exciter: keras.Model, z: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Pick from latent vectors (draws, latent_dim) the one nearest to a pitch in octaves, ().

    Of a pitch beyond nearly all draws, the draw at the edge of these: what lies outside is odd.
    """
    found = excite(exciter, z)
    own = _median(found.octaves, _periodic(found))
    ordered = tf.sort(own)
    odd = tf.shape(own)[0] // ODD
    within = tf.clip_by_value(wanted, ordered[odd], ordered[-1 - odd])
    return z[tf.argmin(tf.abs(own - within))]


def moved_to(
    wanted: tf.Tensor, excitation: Excitation, values: tf.Tensor, transform: Transform
) -> Excitation:
    """Move the pitches of sounds, all of a sound's alike, so that their median is as wanted.

    The median is over what sounds and has a pitch, by the spectrograms (sounds, frames, bins) and
    how periodic they are; `wanted` are octaves (sounds,).
    """
    weight = tf.reduce_sum(transform.power(values), axis=2) * _periodic(excitation)
    off = wanted - _median(excitation.octaves, weight)
    return replace(excitation, octaves=excitation.octaves + off[:, None])


def _periodic(excitation: Excitation) -> tf.Tensor:
    """How much each frame says of the pitch, (sounds, frames)."""
    return tf.square(tf.reduce_mean(excitation.periodicity, axis=2))


def _median(octaves: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Weighted median over the frames, (sounds,): a frame that is an octave off moves it little."""
    order = tf.argsort(octaves, axis=1)
    octaves, weight = (tf.gather(part, order, batch_dims=1) for part in (octaves, weight))
    total = tf.cumsum(weight, axis=1)
    middle = tf.argmax(total >= total[:, -1:] / 2, axis=1)
    return tf.gather(octaves, middle, batch_dims=1)
