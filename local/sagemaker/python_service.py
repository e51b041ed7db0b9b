"""The Python service of the managed TensorFlow serving container: gunicorn, gevent and falcon.

`python -m local.sagemaker.python_service DIR URI PORT`, run by the serving image's packages; DIR is
an unpacked model.tar.gz, URI that of TensorFlow Serving. It answers /ping and /invocations with the
`handler(data, context)` of DIR/code/inference.py, as SageMaker's container 2.20 does. A
falcon.HTTPError keeps its status, any other exception is HTTP 500.
"""

# before anything else is imported, as in the container
if __name__ == "__main__":
    import gevent.monkey

    gevent.monkey.patch_all()

import argparse
import importlib.util
import json
import logging
import os
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon

from local.sagemaker.read_only import make_read_only

MODEL_NAME = "model"
READY = "ready "
ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
TIMEOUT_SECONDS = 55
"""What the context says of the time that an answer may take; an invocation ends after 60."""
WORKER_SECONDS = 30
"""After this long without a sign of life gunicorn starts its worker again, as in the container."""

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
            timeout=TIMEOUT_SECONDS,
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


def serve(app: falcon.App, port: int) -> None:
    """Serve with gevent workers, one unless the environment says more, until it is ended."""
    from gunicorn.app.base import BaseApplication

    class Service(BaseApplication):
        def load_config(self) -> None:
            for name, value in {
                "bind": f"127.0.0.1:{port}",
                "worker_class": "gevent",
                "workers": int(os.environ.get("SAGEMAKER_GUNICORN_WORKERS", "1")),
                "threads": 1,
                "timeout": WORKER_SECONDS,
                "loglevel": "warning",
            }.items():
                self.cfg.set(name, value)

        def load(self) -> falcon.App:
            return app

    Service().run()


def main() -> None:
    """Serve the model's inference.py."""
    parser = argparse.ArgumentParser(prog="python -m local.sagemaker.python_service")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("rest_uri")
    parser.add_argument("port", type=int)
    parser.add_argument("--read-only", action="store_true")
    options = parser.parse_args()
    if options.read_only:
        make_read_only()
    serve(python_service(options.model_dir, options.rest_uri), options.port)


if __name__ == "__main__":
    main()
