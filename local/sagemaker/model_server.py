"""The managed TensorFlow serving container as one process.

`python -m local.sagemaker.model_server DIR`; DIR is an unpacked model.tar.gz. TensorFlow Serving's
REST API listens on one port; in front of it the container's Python service answers /ping and
/invocations with the `handler(data, context)` of DIR/code/inference.py, as SageMaker's container
2.20 does. A falcon.HTTPError keeps its status, any other exception is HTTP 500.

Prints `ready http://127.0.0.1:PORT` when both answer.
"""

import importlib.util
import json
import logging
import os
import sys
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon
from werkzeug.serving import make_server

READY = "ready "
ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
INVOCATION_SECONDS = 60

# the container's own fields, in its order
Context = namedtuple(
    "Context",
    "model_name, model_version, method, rest_uri, grpc_port, channel, custom_attributes, "
    "request_content_type, accept_header, content_length, timeout",
)

Handler = Callable[[Any, Any], tuple[Any, str]]


def load_handler(script: Path) -> Handler:
    """Return the `handler` that a model's inference.py defines."""
    sys.path.insert(0, str(script.parent))  # as the container does
    spec = importlib.util.spec_from_file_location("inference", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


class Invocations:
    """POST /invocations."""

    def __init__(self, handler: Handler, rest_uri: str) -> None:
        self.handler = handler
        self.rest_uri = rest_uri

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Hand the request to the model's handler."""
        context = Context(
            model_name=None,
            model_version=None,
            method=None,
            rest_uri=self.rest_uri,
            grpc_port=None,
            channel=None,
            custom_attributes=request.get_header(ATTRIBUTES_HEADER),
            request_content_type=request.get_header("Content-Type") or "application/json",
            accept_header=request.get_header("Accept") or "application/json",
            content_length=request.content_length,
            timeout=INVOCATION_SECONDS,
        )
        try:
            body, response.content_type = self.handler(request.bounded_stream, context)
            response.data = body.encode() if isinstance(body, str) else body
        except falcon.HTTPError:
            raise
        except Exception as error:
            logging.exception("exception handling request")
            response.status = falcon.HTTP_500
            response.data = json.dumps({"error": str(error)}).encode()


class Ping:
    """GET /ping."""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer 200: the model is loaded before this listens."""


def python_service(model_dir: Path, rest_uri: str) -> falcon.App:
    """Return the application in front of TensorFlow Serving."""
    app = falcon.App()
    app.add_route("/ping", Ping())
    app.add_route(
        "/invocations", Invocations(load_handler(model_dir / "code/inference.py"), rest_uri)
    )
    return app


def serve(model_dir: Path) -> None:
    """Serve the model until the process is ended."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from local.sagemaker.tensorflow_serving import MODEL_NAME, TensorFlowServing

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    serving = make_server("127.0.0.1", 0, TensorFlowServing(model_dir), threaded=True)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{serving.server_port}/v1/models/{MODEL_NAME}:predict"
    service = make_server("127.0.0.1", 0, python_service(model_dir, uri), threaded=True)
    print(f"{READY}http://127.0.0.1:{service.server_port}", flush=True)
    service.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
