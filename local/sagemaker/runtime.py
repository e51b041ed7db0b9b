"""SageMaker Runtime: InvokeEndpoint passes the request on to the model server, bytes as they are.

moto answers with canned results, decodes a WAV file as text, and takes an unsigned request for one
to S3.
"""

import contextlib
import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime import urls
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from local import faults
from local.sagemaker import serverless
from local.sagemaker.endpoint import ModelServer
from local.sagemaker.fleet import RetiredError
from local.sagemaker.python_service import ATTRIBUTES_HEADER

Answer = tuple[int, dict[str, Any], str | bytes]
INVOCATION = re.compile(r"/endpoints/[^/]+/(async-)?invocations")
MOST_BYTES_OF_INSTANCES = 25_000_000
"""Of a request: "Real-time inference can support payload sizes up to 25 MB"
(https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-model-options.html). What a larger one meets
is not documented."""
_concurrency = serverless.Concurrency()
PASSED_ON = ("Content-Type", "Accept", ATTRIBUTES_HEADER, "X-Amzn-SageMaker-Inference-Id")


def _error(status: int, kind: str, **fields: Any) -> Answer:
    # moto takes the status of this service from a header of that name
    headers = {"status": status, "x-amzn-errortype": kind, "Content-Type": "application/json"}
    return status, headers, json.dumps(fields)


class Responses(SageMakerRuntimeResponse):
    """InvokeEndpoint."""

    def setup_class(
        self, request: Any, full_url: str, headers: Any, use_raw_body: bool = False
    ) -> None:
        """Leave the body as bytes, whatever its Content-Type says."""
        body = request.get_data()  # before moto reads a form
        super().setup_class(request, full_url, headers, use_raw_body=True)
        self.raw_body = body

    def _get_action(self) -> str:
        # moto looks for one in a form
        return "InvokeEndpoint" + ("Async" if self.path.endswith("/async-invocations") else "")

    @property
    def endpoint_name(self) -> str:
        """The name in /endpoints/NAME/invocations."""
        return unquote(self.path.split("/")[2])

    def _determine_resource(self) -> str:
        name = self.endpoint_name.lower()
        return f"arn:aws:sagemaker:{self.region}:{self.current_account}:endpoint/{name}"

    def invoke_endpoint(self) -> Answer:
        """Answer as the model does, within the limits of the endpoint's kind."""
        if "Authorization" not in self.headers:
            message = "Missing Authentication Token"
            return _error(403, "MissingAuthenticationTokenException", message=message)
        backend = sagemaker_backends[self.current_account][self.region]
        endpoint = backend.endpoints.get(self.endpoint_name)
        if endpoint is None or self.endpoint_name not in backend.fleets:
            message = f"Endpoint {self.endpoint_name} of account {self.current_account} not found."
            return _error(400, "ValidationError", Message=message)
        if backend.is_cold(self.endpoint_name, "X-Amz-Security-Token" in self.headers):
            return _error(
                429,
                "ModelNotReadyException",
                Message=f"The resources of the endpoint {self.endpoint_name} are still being "
                "provisioned. Wait and try your request again.",
            )
        config = serverless.config_of(endpoint)
        if not config and len(self.raw_body) > MOST_BYTES_OF_INSTANCES:
            return _error(413, "RequestEntityTooLarge", message="Request Entity Too Large")
        if config and len(self.raw_body) > serverless.MOST_BYTES:
            message = f"Request {uuid.uuid4()} has oversize body."
            return _error(400, "ValidationError", Message=message)
        try:
            with _concurrency.one_more(self.endpoint_name, config.get("MaxConcurrency")):
                status, headers, body = self._ask_fleet(backend, endpoint)
        except serverless.ThrottledError:
            return _error(429, "ThrottlingException", message="Rate exceeded")
        if config and len(body) > serverless.MOST_BYTES:
            message = f"The response of {len(body)} bytes has an oversize body."
            return _error(400, "ValidationError", Message=message)
        return status, headers, body

    def _ask_fleet(self, backend: Any, endpoint: Any) -> Answer:
        """Ask a container of the fleet that serves at this moment."""
        while True:
            with (
                contextlib.suppress(RetiredError),
                backend.fleets[self.endpoint_name].answering() as server,
            ):
                return self._ask(server, endpoint)

    def _ask(self, server: ModelServer, endpoint: Any) -> Answer:
        """Hand the request to the container; its errors become ModelError with their status."""
        headers = {name: value for name in PASSED_ON if (value := self.headers.get(name))}
        try:
            answer = requests.post(
                f"{server.url}/invocations",
                data=self.raw_body,
                headers=headers,
                timeout=serverless.INVOCATION_SECONDS,
            )
        except requests.Timeout:
            return self._model_error(0, serverless.TIMED_OUT)
        except requests.RequestException:  # as nginx in the container says when gunicorn is gone
            return self._model_error(502, "502 Bad Gateway")
        if answer.status_code != 200:
            return self._model_error(answer.status_code, answer.text)
        variant = endpoint.production_variants[0]["VariantName"]
        result = {
            "Content-Type": answer.headers.get("Content-Type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant,
        }
        if ATTRIBUTES_HEADER in answer.headers:
            result[ATTRIBUTES_HEADER] = answer.headers[ATTRIBUTES_HEADER]
        body = answer.content
        return 200, result, faults.current.silenced(body) if faults.current.silence else body

    def _model_error(self, status: int, text: str) -> Answer:
        by_client = 400 <= status < 500
        kind = "client" if by_client else "server"
        code = "CLIENT_ERROR_FROM_MODEL" if by_client else "INTERNAL_FAILURE_FROM_MODEL"
        return _error(
            424,
            "ModelError",
            ErrorCode=code,
            OriginalStatusCode=status,
            OriginalMessage=text,
            Message=f"Received {kind} error ({status}) from primary with message "
            f'"{text}". See the log group '
            f"/aws/sagemaker/Endpoints/{self.endpoint_name}.",
        )


_host_of_moto = DomainDispatcherApplication.infer_service_region_host


def _host(self: Any, environ: dict[str, Any], path: str) -> str | None:
    if INVOCATION.fullmatch(path) and "HTTP_AUTHORIZATION" not in environ:
        return "runtime.sagemaker.us-east-1.amazonaws.com"
    return _host_of_moto(self, environ, path)


def install() -> None:
    """Replace moto's rules with these."""
    DomainDispatcherApplication.infer_service_region_host = _host
    for path in urls.url_paths:
        urls.url_paths[path] = Responses.dispatch
