"""SageMaker Runtime: InvokeEndpoint passes the request on to the model server, bytes as they are.

moto answers with canned results and would decode a WAV file as text.
"""

import json
from typing import Any
from urllib.parse import unquote

import requests
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime import urls
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from local import faults
from local.model_server import ATTRIBUTES_HEADER, INVOCATION_SECONDS

Answer = tuple[int, dict[str, Any], str | bytes]
PASSED_ON = ("Content-Type", "Accept", ATTRIBUTES_HEADER, "X-Amzn-SageMaker-Inference-Id")


def _error(status: int, kind: str, **fields: Any) -> Answer:
    # moto takes the status of this service from a header of that name
    headers = {"status": status, "x-amzn-errortype": kind, "Content-Type": "application/json"}
    return status, headers, json.dumps(fields)


class Responses(SageMakerRuntimeResponse):
    """InvokeEndpoint."""

    @property
    def endpoint_name(self) -> str:
        """The name in /endpoints/NAME/invocations."""
        return unquote(self.path.split("/")[2])

    def _determine_resource(self) -> str:
        name = self.endpoint_name.lower()
        return f"arn:aws:sagemaker:{self.region}:{self.current_account}:endpoint/{name}"

    def invoke_endpoint(self) -> Answer:
        """Answer as the model does; its errors become ModelError with the original status."""
        backend = sagemaker_backends[self.current_account][self.region]
        endpoint = backend.endpoints.get(self.endpoint_name)
        server = backend.servers.get(self.endpoint_name)
        if endpoint is None or server is None:
            message = f"Endpoint {self.endpoint_name} of account {self.current_account} not found."
            return _error(400, "ValidationError", Message=message)
        headers = {name: value for name in PASSED_ON if (value := self.headers.get(name))}
        body = self.raw_body if isinstance(self.raw_body, bytes) else str(self.raw_body).encode()
        try:
            answer = requests.post(
                f"{server.url}/invocations", data=body, headers=headers, timeout=INVOCATION_SECONDS
            )
        except requests.RequestException as error:
            return _error(424, "ModelError", Message=f"No answer from the container: {error}")
        if answer.status_code != 200:
            by_client = answer.status_code < 500
            kind = "client" if by_client else "server"
            code = "CLIENT_ERROR_FROM_MODEL" if by_client else "INTERNAL_FAILURE_FROM_MODEL"
            return _error(
                424,
                "ModelError",
                ErrorCode=code,
                OriginalStatusCode=answer.status_code,
                OriginalMessage=answer.text,
                Message=f"Received {kind} error ({answer.status_code}) from primary with message "
                f'"{answer.text}". See the log group '
                f"/aws/sagemaker/Endpoints/{self.endpoint_name}.",
            )
        variant = endpoint.production_variants[0]["VariantName"]
        result = {
            "Content-Type": answer.headers.get("Content-Type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant,
        }
        if ATTRIBUTES_HEADER in answer.headers:
            result[ATTRIBUTES_HEADER] = answer.headers[ATTRIBUTES_HEADER]
        body = answer.content
        return 200, result, faults.current.silenced(body) if faults.current.silence else body


def install() -> None:
    """Put these rules in the place of moto's."""
    for path in urls.url_paths:
        urls.url_paths[path] = Responses.dispatch
