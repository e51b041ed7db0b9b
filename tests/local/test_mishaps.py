"""Requests to S3 and SageMaker go wrong as ordered, and whoever tries again comes through."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ResponseStreamingError,
)

from local import faults
from tests.local.deployment import REGION, Client

BUCKET = "mishaps"
BODY = bytes(range(256)) * 100
CUT = (ConnectionClosedError, ConnectionError, IncompleteReadError, ResponseStreamingError)


@pytest.fixture(autouse=True)
def afterwards_none(client: Client) -> Iterator[None]:
    client("s3").create_bucket(Bucket=BUCKET)
    client("s3").put_object(Bucket=BUCKET, Key="sound.wav", Body=BODY)
    yield
    faults.clear()


def asking_once(stand_in: str, api: str) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(api, region_name=REGION, endpoint_url=stand_in, config=once)


def test_s3_asks_to_slow_down(stand_in: str) -> None:
    faults.add(["mishap=s3:slow-down"])
    with pytest.raises(ClientError) as error:
        asking_once(stand_in, "s3").get_object(Bucket=BUCKET, Key="sound.wav")
    assert error.value.response["Error"]["Code"] == "SlowDown"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_sagemaker_throttles(stand_in: str) -> None:
    faults.add(["mishap=sagemaker:slow-down"])
    with pytest.raises(ClientError, match="ThrottlingException"):
        asking_once(stand_in, "sagemaker").list_models()


def test_a_request_that_is_reset_was_not_heard_and_one_that_is_lost_was(stand_in: str) -> None:
    s3 = asking_once(stand_in, "s3")
    for kind, heard in (("reset", False), ("lost", True)):
        faults.add([f"mishap=s3:{kind}"])
        with pytest.raises(CUT):
            s3.put_object(Bucket=BUCKET, Key=kind, Body=b"x")
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert (kind in keys) is heard


def test_an_answer_that_breaks_off_is_an_error_to_its_reader(stand_in: str) -> None:
    faults.add(["mishap=s3:partial"])
    with pytest.raises(CUT):
        asking_once(stand_in, "s3").get_object(Bucket=BUCKET, Key="sound.wav")["Body"].read()


def test_an_sdk_that_tries_again_comes_through(client: Client) -> None:
    faults.add(["mishap=s3:slow-down", "mishap=s3:reset"])
    found = client("s3").get_object(Bucket=BUCKET, Key="sound.wav")
    assert found["Body"].read() == BODY
    assert faults.current.mishaps == []


def test_the_share_of_requests_that_go_wrong_is_as_ordered() -> None:
    faults.add(["unreliable=0.2"])
    wrong = [faults.current.mishap("s3") for _ in range(1000)]
    assert 150 < sum(kind is not None for kind in wrong) < 250
    assert set(wrong) == {None, *faults.MISHAPS}
