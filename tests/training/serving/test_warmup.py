"""The requests that a model brings along are what TensorFlow Serving reads."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from sound_vae.serving.warmup import WARMUP_FILE, write_warmup


def read(saved_model: Path) -> list[Any]:
    records = tf.data.TFRecordDataset(str(saved_model / WARMUP_FILE))
    logs = [PredictionLog.FromString(record.numpy()) for record in records]
    assert all(log.WhichOneof("log_type") == "predict_log" for log in logs)
    return [log.predict_log.request for log in logs]


def test_serving_reads_the_signature_and_the_inputs(tmp_path: Path) -> None:
    z = tf.random.stateless_normal([3, 100], seed=[1, 2])  # long enough for lengths of two bytes
    write_warmup(tmp_path, [("latents", {"z": z, "name": tf.constant([b"\x00\xff"])})])
    (request,) = read(tmp_path)
    assert request.model_spec.signature_name == "latents"
    assert set(request.inputs) == {"z", "name"}
    tf.debugging.assert_equal(tf.constant(tf.make_ndarray(request.inputs["z"])), z)
    assert request.inputs["name"].string_val == [b"\x00\xff"]


def test_a_model_warms_up_every_signature_but_those_of_a_pitch(
    model_dir: Path, saved_model: Any
) -> None:
    requests = read(model_dir / "1")
    rare = {name for name in saved_model.signatures if name.endswith("_at_pitch")}
    assert len(rare) == 3
    assert {r.model_spec.signature_name for r in requests} == set(saved_model.signatures) - rare
    for request in requests:
        inputs = {n: tf.constant(tf.make_ndarray(v)) for n, v in request.inputs.items()}
        outputs = saved_model.signatures[request.model_spec.signature_name](**inputs)
        assert all(wav[:4] == b"RIFF" for wav in outputs["wav_bytes"].numpy())
