"""Endpoints really serve, keep serving while they are updated, and refuse what AWS refuses."""

import contextlib
import gzip
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import tensorflow as tf
from botocore.config import Config
from botocore.exceptions import ClientError

from local import faults
from local.sagemaker import endpoint, serverless
from tests.local.deployment import ACCOUNT, REGION, Client, MakeRole
from tests.local.sagemaker.archives import BUCKET, archive
from tests.local.waiting import until

HANDLER = """
def handler(data, context):
    return "NUMBER", "text/plain"
"""
ECHO = """
def handler(data, context):
    if context.accept_header == "echo":
        return data.read(), "audio/wav"
    return "model 1", "text/plain"
"""


def test_a_model_whose_artifact_the_role_cannot_read_is_refused(client: Client, role: str) -> None:
    with pytest.raises(ClientError, match="Could not access model data"):
        make_model(client, role, "unreadable", f"s3://{BUCKET}-other/model.tar.gz")


def make_model(client: Client, role: str, name: str, url: str) -> None:
    api = client("sagemaker")
    api.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": "image", "ModelDataUrl": url},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    api.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def settled(client: Client, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        endpoint: dict[str, Any] = client("sagemaker").describe_endpoint(EndpointName=name)
        return None if endpoint["EndpointStatus"] in ("Creating", "Updating") else endpoint

    return until(found)


def ask(client: Client, name: str) -> bytes:
    answer = client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"{}")
    return answer["Body"].read()


def test_an_update_that_fails_leaves_the_former_model_serving(client: Client, role: str) -> None:
    api = client("sagemaker")
    saved = constant_model()
    for number in ("1", "2"):
        handler = HANDLER.replace("NUMBER", f"model {number}").encode()
        body = archive({**saved, "code/inference.py": handler})
        client("s3").put_object(Bucket=BUCKET, Key=f"models/{number}.tar.gz", Body=body)
        make_model(client, role, f"model-{number}", f"s3://{BUCKET}/models/{number}.tar.gz")
    client("s3").put_object(Bucket=BUCKET, Key="models/bad.tar.gz", Body=gzip.compress(b"bad"))
    make_model(client, role, "model-bad", f"s3://{BUCKET}/models/bad.tar.gz")

    api.create_endpoint(EndpointName="voice", EndpointConfigName="model-1")
    assert settled(client, "voice")["EndpointStatus"] == "InService"
    assert ask(client, "voice") == b"model 1"

    api.update_endpoint(EndpointName="voice", EndpointConfigName="model-bad")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        api.update_endpoint(EndpointName="voice", EndpointConfigName="model-2")
    failed = settled(client, "voice")
    assert (failed["EndpointStatus"], failed["EndpointConfigName"]) == ("InService", "model-1")
    assert "Failed to download model data" in failed["FailureReason"]
    assert ask(client, "voice") == b"model 1"

    api.update_endpoint(EndpointName="voice", EndpointConfigName="model-2")
    assert ask(client, "voice") == b"model 1", "it must serve while it is updated"
    assert settled(client, "voice")["EndpointConfigName"] == "model-2"
    assert ask(client, "voice") == b"model 2"

    api.delete_endpoint(EndpointName="voice")
    with pytest.raises(ClientError, match="not found"):
        ask(client, "voice")


def test_a_roles_first_request_after_an_update_meets_a_cold_start(
    client: Client, make_role: MakeRole, voice: str
) -> None:
    from local.aws import client_as

    invoke = {"Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    states = "states.amazonaws.com"
    runtime = client_as(make_role("caller", states, invoke), states, "sagemaker-runtime", REGION)

    statuses = set()

    def refusals() -> int:
        for number in range(5):
            try:
                runtime.invoke_endpoint(EndpointName=voice, Body=b"{}")
                return number
            except runtime.exceptions.ModelNotReadyException as refused:
                statuses.add(refused.response["ResponseMetadata"]["HTTPStatusCode"])
        raise AssertionError("it never warms up")

    def update() -> None:
        client("sagemaker").update_endpoint(EndpointName=voice, EndpointConfigName="of-voice")
        assert settled(client, voice)["EndpointStatus"] == "InService"

    assert [refusals(), refusals()] == [1, 0]
    assert statuses == {429}
    update()
    assert ask(client, voice) == b"model 1", "the owner has the answer"
    assert refusals() == 0, "and has warmed it up"
    faults.add(["cold-starts=3"])
    update()
    with pytest.raises(ClientError, match="ModelNotReadyException"):
        ask(client, voice)
    assert refusals() == 2
    faults.clear()


def test_a_request_that_is_not_text_reaches_the_container_as_it_is(
    client: Client, voice: str
) -> None:
    body = bytes(range(256))
    for kind in ("audio/wav", "application/x-www-form-urlencoded"):
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=voice, Body=body, ContentType=kind, Accept="echo"
        )
        assert answer["Body"].read() == body
    with pytest.raises(ClientError) as error:
        client("sagemaker-runtime").invoke_endpoint(EndpointName="no-such", Body=body)
    assert error.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("body", [b"{}", bytes(range(256))])
def test_a_request_that_is_not_signed_is_refused_in_json(stand_in: str, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "audio/wav"):
        answer = requests.post(
            f"{stand_in}/endpoints/voice/invocations",
            data=body,
            headers={"Content-Type": kind},
            timeout=10,
        )
        assert answer.status_code == 403
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert answer.json() == {"message": "Missing Authentication Token"}


def test_a_deleted_endpoint_leaves_no_model_server(client: Client, voice: str) -> None:
    from moto.sagemaker.models import sagemaker_backends  # knows the port once the server runs

    server = endpoint.acquire(
        sagemaker_backends[ACCOUNT][REGION].describe_model("of-voice"), voice, REGION
    )
    endpoint.release(server)
    assert server.alive(), "it is the one that serves the endpoint"
    client("sagemaker").delete_endpoint(EndpointName=voice)
    assert not server.alive()


@pytest.fixture
def voice(client: Client, role: str) -> Iterator[str]:
    """The name of an endpoint that answers "model 1", or with the request's body if asked to."""
    body = archive({**constant_model(), "code/inference.py": ECHO.encode()})
    client("s3").put_object(Bucket=BUCKET, Key="models/voice.tar.gz", Body=body)
    api = client("sagemaker")
    if not api.list_models(NameContains="of-voice")["Models"]:
        make_model(client, role, "of-voice", f"s3://{BUCKET}/models/voice.tar.gz")
    api.create_endpoint(EndpointName="a-voice", EndpointConfigName="of-voice")
    assert settled(client, "a-voice")["EndpointStatus"] == "InService"
    yield "a-voice"
    with contextlib.suppress(ClientError):
        api.delete_endpoint(EndpointName="a-voice")


def constant_model() -> dict[str, bytes]:
    """Return the files of the smallest SavedModel."""
    module = tf.Module()
    module.f = tf.function(
        lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, f"{folder}/1", signatures={"serving_default": module.f})
        files = [p for p in Path(folder).rglob("*") if p.is_file()]
        return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_an_endpoint_that_does_not_exist_is_a_validation_error(client: Client) -> None:
    with pytest.raises(ClientError) as error:
        client("sagemaker-runtime").invoke_endpoint(EndpointName="no-such", Body=json.dumps({}))
    assert error.value.response["Error"]["Code"] == "ValidationError"


LIMITED = """
import os, pathlib, tempfile, time
kept = []
def handler(data, context):
    what, _, value = data.read().decode().partition(" ")
    if what == "sleep":
        time.sleep(float(value))
    if what == "long":
        return "x" * int(value), "text/plain"
    if what == "hold":  # so many MB
        kept.append(bytearray(os.urandom(2**20) * int(value)))
    if what == "write":
        pathlib.Path(value.replace("TEMP", tempfile.gettempdir())).write_text("kept")
    return "done", "text/plain"
"""


@pytest.fixture(scope="module")
def limited(client: Client, role: str) -> Iterator[str]:
    """The name of a serverless endpoint of 1024 MB and one request at a time."""
    body = archive({**constant_model(), "code/inference.py": LIMITED.encode()})
    client("s3").put_object(Bucket=BUCKET, Key="models/limited.tar.gz", Body=body)
    make_model(client, role, "limited", f"s3://{BUCKET}/models/limited.tar.gz")
    api = client("sagemaker")
    api.create_endpoint(EndpointName="limited", EndpointConfigName="limited")
    assert settled(client, "limited")["EndpointStatus"] == "InService"
    yield "limited"
    api.delete_endpoint(EndpointName="limited")


def invoked(client: Client, name: str, body: str) -> dict[str, Any]:
    """Code, status and message of an error, or the text of an answer; tried once."""
    api = client("sagemaker-runtime")
    once = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    where = {"region_name": REGION, "endpoint_url": api.meta.endpoint_url}
    try:
        answer = boto3.client("sagemaker-runtime", **where, config=once).invoke_endpoint(
            EndpointName=name, Body=body.encode()
        )
        return {"text": answer["Body"].read().decode()}
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        message = error.response["Error"]["Message"]
        return {"code": error.response["Error"]["Code"], "status": status, "message": message}


def test_a_request_or_an_answer_of_more_than_4_mb_is_refused(client: Client, limited: str) -> None:
    most = 4_000_000
    assert invoked(client, limited, "x" * most) == {"text": "done"}
    refused = invoked(client, limited, "x" * (most + 1))
    assert (refused["code"], refused["status"]) == ("ValidationError", 400)
    assert "has oversize body" in refused["message"]
    assert len(invoked(client, limited, f"long {most}")["text"]) == most
    assert invoked(client, limited, f"long {most + 1}")["code"] == "ValidationError"


def test_more_requests_at_once_than_the_endpoint_takes_are_throttled(
    client: Client, limited: str
) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoked(client, limited, "sleep 1.5"), range(3)))
    assert [a for a in answers if "text" in a] == [{"text": "done"}]
    throttled = [a for a in answers if "code" in a]
    assert {(a["code"], a["status"]) for a in throttled} == {("ThrottlingException", 429)}
    assert invoked(client, limited, "") == {"text": "done"}, "nothing is left of them"


def test_an_answer_that_takes_more_than_its_time_is_the_models_error(
    client: Client, limited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serverless, "INVOCATION_SECONDS", 0.5)
    late = invoked(client, limited, "sleep 2")
    assert (late["code"], late["status"]) == ("ModelError", 424)
    assert "Received server error (0)" in late["message"]
    assert "timed out" in late["message"]


@pytest.mark.parametrize("path", ["inference.py", "/opt/ml/model/notes", "/sagemaker/notes"])
def test_inference_can_write_to_the_temporary_folder_alone(
    client: Client, limited: str, path: str
) -> None:
    refused = invoked(client, limited, f"write {path}")
    assert "Read-only file system" in refused["message"]
    assert invoked(client, limited, "write TEMP/notes") == {"text": "done"}


def test_a_container_that_takes_more_memory_than_it_has_is_ended_and_started_anew(
    client: Client, limited: str
) -> None:
    died = invoked(client, limited, "hold 1200")
    if "text" in died:  # the next look at its memory comes after the answer
        died = invoked(client, limited, "sleep 5")
    assert died["code"] == "ModelError"
    until(lambda: invoked(client, limited, "") == {"text": "done"})
