"""A clip as a record of a TFRecord file: a tf.train.Example that names where it came from.

`tf.data.TFRecordDataset` reads these files, too. A record is its length (8 bytes), a check sum (4),
the Example and another check sum (4), so with the sizes known any record can be read alone.
"""

import numpy as np
import tensorflow as tf

BEFORE, AFTER = 12, 4  # bytes of a record around its Example


def example(name: str, label: str | None, etag: str, length: int, values: np.ndarray) -> bytes:
    """Write a clip (frames, bins), float16 in 0..1; `length` are samples at the model's rate."""
    feature = {
        "name": _texts(name),
        "label": _texts(*([] if label is None else [label])),
        "etag": _texts(etag),
        "length": _numbers(length),
        "shape": _numbers(*values.shape),
        "values": tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[values.astype("<f2", copy=False).tobytes()])
        ),
    }
    written: bytes = tf.train.Example(
        features=tf.train.Features(feature=feature)
    ).SerializeToString()
    return written


def values_of(record: bytes, bins: int) -> np.ndarray:
    """Read the (frames, bins) of a whole record; raises ValueError when it is damaged."""
    parsed = tf.train.Example.FromString(record[BEFORE : len(record) - AFTER])
    (content,) = parsed.features.feature["values"].bytes_list.value
    return np.frombuffer(content, "<f2").reshape(-1, bins)


def _texts(*texts: str) -> tf.train.Feature:
    values = [text.encode() for text in texts]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _numbers(*numbers: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=numbers))
