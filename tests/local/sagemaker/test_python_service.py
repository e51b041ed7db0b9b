"""The local model server answers as TensorFlow Serving and the container's Python service do."""

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import falcon
import pytest
import tensorflow as tf
from falcon import testing
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from werkzeug.test import Client as HttpClient

from local.sagemaker.python_service import Context, python_service
from local.sagemaker.tensorflow_serving import WARMUP_REQUESTS, TensorFlowServing

PREDICT = "/v1/models/model:predict"


class TwoSignatures(tf.Module):
    """Doubles numbers that must be positive, and turns bytes around."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def double(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.debugging.assert_positive(x, message="x must be positive")
        return {"doubled": 2 * x}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.int64, name="times"),
        ]
    )
    def echo(self, text: tf.Tensor, times: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"text_bytes": text, "times": times}


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    module = TwoSignatures()
    signatures = {"serving_default": module.double, "echo": module.echo}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    return folder


@pytest.fixture(scope="module")
def serving(model_dir: Path) -> HttpClient:
    return HttpClient(TensorFlowServing(model_dir))


def test_a_model_that_fails_its_own_warmup_request_is_not_served(
    model_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_dir, tmp_path, dirs_exist_ok=True)
    log = PredictionLog()
    log.predict_log.request.model_spec.signature_name = "serving_default"
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([-1.0]))
    file = tmp_path / "1" / WARMUP_REQUESTS
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as records:
        records.write(log.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must be positive"):
        TensorFlowServing(tmp_path)


def b64(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"inputs": {"x": [1, 2.5]}}, {"outputs": [2, 5]}),
        (
            {"signature_name": "echo", "inputs": {"text": [b64(b"\xff\0")], "times": [3]}},
            {"outputs": {"text_bytes": [b64(b"\xff\0")], "times": [3]}},
        ),
        (
            {"signature_name": "echo", "inputs": {"text": ["plain"], "times": [3]}},
            {"outputs": {"text_bytes": [b64(b"plain")], "times": [3]}},
        ),
    ],
)
def test_predict_takes_numbers_texts_and_bytes(
    serving: HttpClient, request_: dict[str, Any], answer: dict[str, Any]
) -> None:
    response = serving.post(PREDICT, json=request_)
    assert (response.status_code, response.get_json()) == (200, answer)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"inputs": {"x": ["loud"]}}, "x is not of type float32"),
        ({"inputs": {"x": [[1.0]]}}, "x has shape"),
        ({"inputs": {"y": [1]}}, "takes the inputs ['x']"),
        ({"inputs": {"x": [-1]}}, "x must be positive"),
        ({"signature_name": "nope", "inputs": {"x": [1]}}, '"nope" not found'),
        ({"x": [1]}, "takes the inputs ['x']"),
    ],
)
def test_what_does_not_fit_the_model_is_a_bad_request(
    serving: HttpClient, request_: dict[str, Any], named: str
) -> None:
    response = serving.post(PREDICT, json=request_)
    assert response.status_code == 400
    assert named in response.get_json()["error"]


def test_a_body_that_is_no_json_is_a_bad_request(serving: HttpClient) -> None:
    assert serving.post(PREDICT, data=b"{").status_code == 400


def test_an_archive_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"saved_model\.pb"):
        TensorFlowServing(tmp_path)


HANDLER = """
import json, falcon
def handler(data, context):
    body = data.read()
    if body == b"bad":
        raise falcon.HTTPBadRequest(title="Bad request", description="count must be 1")
    if body == b"crash":
        raise RuntimeError("boom")
    if body == b"wav":
        return b"RIFF\\xff", "audio/wav"
    return json.dumps(context._asdict()), "application/json"
"""


@pytest.fixture
def service(tmp_path: Path) -> testing.TestClient:
    script = tmp_path / "code" / "inference.py"
    script.parent.mkdir()
    script.write_text(HANDLER)
    return testing.TestClient(python_service(tmp_path, "http://localhost:1/v1/models/m:predict"))


def test_the_handler_gets_the_containers_context(service: testing.TestClient) -> None:
    headers = {"Accept": "audio/wav", "X-Amzn-SageMaker-Custom-Attributes": "a=b"}
    context = json.loads(service.simulate_post("/invocations", body="{}", headers=headers).content)
    assert set(context) == set(Context._fields)
    assert context["rest_uri"] == "http://localhost:1/v1/models/m:predict"
    assert context["accept_header"] == "audio/wav"
    assert context["custom_attributes"] == "a=b"
    assert context["content_length"] == 2


def test_bytes_come_back_as_they_are(service: testing.TestClient) -> None:
    answer = service.simulate_post("/invocations", body="wav")
    assert (answer.content, answer.headers["content-type"]) == (b"RIFF\xff", "audio/wav")


def test_a_falcon_error_keeps_its_status_and_another_exception_is_500(
    service: testing.TestClient,
) -> None:
    bad = service.simulate_post("/invocations", body="bad")
    assert (bad.status, bad.json["description"]) == (falcon.HTTP_400, "count must be 1")
    crash = service.simulate_post("/invocations", body="crash")
    assert (crash.status, crash.json) == (falcon.HTTP_500, {"error": "boom"})


def test_the_handler_may_import_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    code = tmp_path / "code" / "package_of_the_handler"
    code.mkdir(parents=True)
    (code / "words.py").write_text('WORDS = "from beside"')
    (tmp_path / "code" / "inference.py").write_text(
        "from package_of_the_handler.words import WORDS\n"
        "def handler(data, context):\n    return WORDS, 'text/plain'\n"
    )
    client = testing.TestClient(python_service(tmp_path, "http://localhost:1"))
    assert client.simulate_post("/invocations").text == "from beside"


def test_ping_answers(service: testing.TestClient) -> None:
    assert service.simulate_get("/ping").status == falcon.HTTP_200
