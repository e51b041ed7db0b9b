"""How the stand-in's own parts call its services: under a role, as AWS's services do."""

import re
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from moto.settings import moto_server_port

from local import iam
from local.aws_environment import operator_environment

ACCOUNT = "123456789012"
"""moto's account for callers with made-up credentials."""

BOTO_NAMES = {
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sagemakerruntime": "sagemaker-runtime",
    "sfn": "stepfunctions",
}
"""boto3's names of the services that other SDKs call differently."""


def endpoint_url() -> str:
    """Return the stand-in's address; spelled localhost because moto looks for that word."""
    return f"http://localhost:{moto_server_port()}"


def role_environment(role_arn: str, service: str, region: str) -> dict[str, str]:
    """Return the variables of `operator_environment`, with credentials of a session of `role_arn`.

    Raises `iam.NotTrustedError` if the role does not let `service` assume it.
    """
    session = iam.assume_role(role_arn, service, region)
    return operator_environment(endpoint_url(), region) | {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def client_as(
    role_arn: str, service: str, api: str, region: str, timeout: int = 60, attempts: int = 1
) -> Any:
    """Return a boto3 client for `api` with a session of `role_arn` that `service` has assumed.

    It waits `timeout` seconds for an answer, and asks `attempts` times in all.
    """
    environment = role_environment(role_arn, service, region)
    return boto3.client(
        api,
        region_name=region,
        endpoint_url=endpoint_url(),
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        config=Config(
            parameter_validation=False,  # the service checks the parameters
            retries={"total_max_attempts": attempts, "mode": "standard"},
            inject_host_prefix=False,  # there is no sync-localhost for StartSyncExecution
            read_timeout=timeout,
        ),
    )


def bucket_and_key(url: str) -> tuple[str, str]:
    """Split `s3://bucket/key` or the CDK's `https://s3.REGION.amazonaws.com/bucket/key`."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return parts.netloc, parts.path.lstrip("/")
    match = re.fullmatch(r"/([^/]+)/?(.*)", parts.path)
    if parts.scheme == "https" and match:
        return match[1], match[2]
    raise ValueError(f"{url} is no S3 URL: s3://bucket/key was expected")
