"""A studio that answers on this machine, of a stack in the stand-in with an endpoint made up."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.stack import Connection
from client.studio.serving import Server, bind
from tests.client.fake_endpoint import FakeStack, Runtime, serving
from tests.client.studio.archives import CLIP, MAP, model_archive
from tests.client.studio.fake_run import JOB, Executions, Log

BUCKET, MODEL_KEY, PARAMETER = "studio-bucket", "models/run-1/model.tar.gz", "/studio/served"


@dataclass
class Studio:
    """One that runs, and what it talks to."""

    url: str
    stack: FakeStack
    runtime: Runtime
    executions: Executions
    log: Log

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the bucket."""
        self.stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


@pytest.fixture(scope="package")
def s3(connection: Connection) -> Any:
    api = connection.client("s3")
    api.create_bucket(Bucket=BUCKET)
    return api


@pytest.fixture
def stack(connection: Connection, s3: Any) -> FakeStack:
    """A stack that serves a model with a map, in an empty bucket otherwise."""
    for thing in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=thing["Key"])
    s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=model_archive(**{"map.json": MAP}))
    ssm = connection.client("ssm")
    url = f"s3://{BUCKET}/{MODEL_KEY}"
    ssm.put_parameter(Name=PARAMETER, Value=url, Type="String", Overwrite=True)
    return serving(
        Runtime(samples=CLIP),
        BucketName=BUCKET,
        ServedModelParameter=PARAMETER,
        StateMachineArn="arn:machine",
        s3=s3,
        ssm=ssm,
        stepfunctions=Executions(),
        logs=Log(**{JOB: []}),
    )


@pytest.fixture
def start(stack: FakeStack, tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    """Starts studios, and ends them after the test."""
    started: list[tuple[Server, threading.Thread]] = []

    def start(executions: Executions | None = None) -> Studio:
        given: Any = stack.outputs
        given["stepfunctions"] = executions or Executions()
        ready = threading.Event()
        server = Server(
            stack, bind(0), "this machine", cache=tmp_path / "cache", ready=lambda _: ready.set()
        )
        thread = threading.Thread(target=server.serve_until_stopped, daemon=True)
        thread.start()
        started.append((server, thread))
        assert ready.wait(10)
        return Studio(
            server.url,
            stack,
            given["sagemaker-runtime"],
            given["stepfunctions"],
            given["logs"],
        )

    yield start
    for server, thread in started:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def studio(start: Callable[..., Studio]) -> Studio:
    return start()
