"""Waves as the WAV files that people get: as loud as clips are, and as long as there is sound."""

import tensorflow as tf

from sound_vae.model.framing import PEAK
from sound_vae.model.trimming import ends, faded


def wav_files(waves: tf.Tensor, sample_rate: int, trim_db: float) -> tf.Tensor:
    """(batch, samples) to WAV files of 16 bits, strings (batch,), whose peaks lie at -1 dBFS.

    Each is cut where its wave is silent to the end, more than `trim_db` below its loudest moment.
    """
    peak = tf.reduce_max(tf.abs(waves), axis=1, keepdims=True)
    waves = waves * (PEAK / tf.maximum(peak, 1e-6))
    after = ends(waves, sample_rate, trim_db)
    return tf.map_fn(
        lambda sound: tf.audio.encode_wav(sound[0][: sound[1], None], sample_rate),
        (faded(waves, after, sample_rate), after),
        fn_output_signature=tf.TensorSpec([], tf.string),
    )
