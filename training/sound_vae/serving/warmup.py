"""Requests that TensorFlow Serving runs while it starts, before it takes any other.

The first call of a signature builds and optimises its graph, some 0.5 s each. The file that this
module writes into the SavedModel moves that to the start of the container:
https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from pathlib import Path

import tensorflow as tf

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")

# Field numbers of tensorflow_serving/apis/{prediction_log,predict,model}.proto. The messages are
# put together here because their package is not in the training image; a test reads them with it.
PREDICT_LOG, REQUEST = 6, 1
MODEL_SPEC, INPUTS = 1, 2
NAME, SIGNATURE_NAME = 1, 3
KEY, VALUE = 1, 2

Request = tuple[str, dict[str, tf.Tensor]]  # signature, inputs


def write_warmup(saved_model: Path, requests: list[Request]) -> None:
    """Write the requests beside `saved_model`/saved_model.pb, one PredictionLog a record."""
    file = saved_model / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as records:
        for signature, inputs in requests:
            records.write(_prediction_log(signature, inputs))


def _prediction_log(signature: str, inputs: dict[str, tf.Tensor]) -> bytes:
    spec = _field(NAME, b"model") + _field(SIGNATURE_NAME, signature.encode())
    request = _field(MODEL_SPEC, spec)
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(INPUTS, _field(KEY, name.encode()) + _field(VALUE, tensor))
    return _field(PREDICT_LOG, _field(REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """One length-delimited field of a protocol buffers message."""
    length = len(content)
    encoded = bytearray([number << 3 | 2])
    while length > 0x7F:  # seven bits a byte, the lowest first
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(encoded) + bytes([length]) + content
