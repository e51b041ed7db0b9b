"""Where a sound ends: the rule that recordings are cut by, for sounds that are made.

What lies more than `trim_db` below a sound's loudest moment, up to its end, is silence. A clip is
padded to the length of the longest, so without the rule every hit would last as long as one cymbal.
"""

import tensorflow as tf

from sound_vae.model.framing import moment_samples


def ends(waves: tf.Tensor, sample_rate: int, trim_db: float) -> tf.Tensor:
    """Give the samples after which each wave (batch, samples) is silent, int32 (batch,).

    It is at least one moment, and `samples` for a wave that is loud to its end.
    """
    samples, moment = waves.shape[1], moment_samples(sample_rate)
    moments = -(-samples // moment)
    padded = tf.pad(waves, [[0, 0], [0, moments * moment - samples]])
    power = tf.reduce_sum(tf.square(tf.reshape(padded, [-1, moments, moment])), axis=2)
    loudest = tf.reduce_max(power, axis=1, keepdims=True)
    loud = tf.where(power > loudest * 10 ** (-trim_db / 10), tf.range(1, moments + 1), 1)
    return tf.minimum(tf.reduce_max(loud, axis=1) * moment, samples)


def faded(waves: tf.Tensor, after: tf.Tensor, sample_rate: int) -> tf.Tensor:
    """Let waves (batch, samples) fall silent over the moment before `after` (batch,) samples.

    A wave that fills its clip is left as it is: that one was cut by nobody.
    """
    samples = waves.shape[1]
    left = tf.cast(after[:, None] - tf.range(samples), tf.float32) / moment_samples(sample_rate)
    return tf.where(after[:, None] < samples, waves * tf.clip_by_value(left, 0.0, 1.0), waves)
