"""TensorFlow Serving's REST predict API over one SavedModel, answered by TensorFlow in Python.

`python -m local.sagemaker.tensorflow_serving DIR PORT`

    POST /v1/models/model:predict
    {"signature_name": "serving_default", "inputs": {"x": [1, 2.5]}}    ->    {"outputs": [2, 5]}

Of the API's two formats only the columnar one is there, not that by rows (`instances`).
Bytes travel as `{"b64": …}`, both ways; outputs are bytes if their name ends in `_bytes`. What does
not fit the signature, and an InvalidArgumentError from the graph, is HTTP 400 with
`{"error": …}`. The model's warm-up requests are answered before any other; if one fails, the model
is not served.
"""

import base64
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local.sagemaker.python_service import MODEL_NAME

WARMUP_REQUESTS = "assets.extra/tf_serving_warmup_requests"


class BadRequestError(Exception):
    """The request does not fit the model; the message is for the caller."""


def decode(value: Any) -> Any:
    """Replace every `{"b64": …}` in a JSON value by its bytes."""
    if isinstance(value, dict):
        if set(value) != {"b64"}:
            raise BadRequestError(f"JSON object: {json.dumps(value)[:80]} is not a base64 value")
        return base64.b64decode(value["b64"])
    return [decode(item) for item in value] if isinstance(value, list) else value


def encode(value: Any, as_bytes: bool) -> Any:
    """Make a tensor's value JSON: bytes become `{"b64": …}` or text."""
    if isinstance(value, list):
        return [encode(item, as_bytes) for item in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()} if as_bytes else value.decode()
    return value


def to_tensor(name: str, value: Any, spec: tf.TensorSpec) -> tf.Tensor:
    """Convert decoded JSON into a tensor of the signature's type and shape."""
    try:
        tensor = tf.constant(decode(value), dtype=spec.dtype)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadRequestError(
            f"Failed to process element: {name} is not of type {spec.dtype.name}: {reason}"
        ) from error
    if not spec.shape.is_compatible_with(tensor.shape):
        raise BadRequestError(f"{name} has shape {tensor.shape}, the model takes {spec.shape}")
    return tensor


class TensorFlowServing:
    """A WSGI application for the newest version below `base_path` (`<number>/saved_model.pb`)."""

    def __init__(self, base_path: Path) -> None:
        versions = [p for p in base_path.iterdir() if (p / "saved_model.pb").is_file()]
        versions = [p for p in versions if p.name.isdigit()]
        if not versions:
            raise FileNotFoundError(
                "This is not a model archive: it holds no <number>/saved_model.pb."
            )
        newest = max(versions, key=lambda p: int(p.name))
        self._model = tf.saved_model.load(str(newest))
        self._warm_up(newest / WARMUP_REQUESTS)

    def _warm_up(self, requests: Path) -> None:
        if not requests.is_file():
            return
        for record in tf.data.TFRecordDataset(str(requests)):
            request = PredictionLog.FromString(record.numpy()).predict_log.request
            signature = self._model.signatures[request.model_spec.signature_name]
            signature(**{n: tf.constant(tf.make_ndarray(v)) for n, v in request.inputs.items()})

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one decoded request."""
        name = body.get("signature_name", "serving_default")
        if name not in self._model.signatures:
            raise BadRequestError(f'Serving signature name: "{name}" not found in signature def')
        signature = self._model.signatures[name]
        specs: dict[str, tf.TensorSpec] = signature.structured_input_signature[1]
        values = body.get("inputs")
        if not isinstance(values, dict) or set(values) != set(specs):
            raise BadRequestError(f"the signature {name} takes the inputs {sorted(specs)}")
        outputs = signature(**{n: to_tensor(n, values[n], spec) for n, spec in specs.items()})
        answer = {
            n: encode(tensor.numpy().tolist(), n.endswith("_bytes"))
            for n, tensor in outputs.items()
        }
        return {"outputs": answer if len(answer) > 1 else next(iter(answer.values()))}

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer one HTTP request."""
        request = Request(environ)
        response = self._respond(request)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if request.path != f"/v1/models/{MODEL_NAME}:predict" or request.method != "POST":
            return self._error(404, f"Not found: {request.method} {request.path}")
        try:
            body = json.loads(request.get_data())
            if not isinstance(body, dict):
                raise BadRequestError("Request body must be a JSON object")
            return Response(json.dumps(self.predict(body)), content_type="application/json")
        except ValueError as error:
            return self._error(400, f"JSON Parse error: {error}")
        except (BadRequestError, tf.errors.InvalidArgumentError) as error:
            return self._error(400, getattr(error, "message", None) or str(error))
        except tf.errors.OpError as error:
            return self._error(500, error.message)

    @staticmethod
    def _error(status: int, message: str) -> Response:
        return Response(json.dumps({"error": message}), status, content_type="application/json")


def serve(model_dir: Path, port: int) -> None:
    """Serve the model until the process is ended; it listens when the model is loaded."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    make_server("127.0.0.1", port, TensorFlowServing(model_dir), threaded=True).serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
