import json
from collections.abc import Iterator

import pytest

from client import doctor
from client.stack import Connection


def found(connection: Connection) -> dict[str, doctor.Finding]:
    return {finding.what: finding for finding in doctor.examine(connection)}


@pytest.fixture
def topic(connection: Connection) -> Iterator[None]:
    """A stack with a bucket, an endpoint that is not there, and mails."""
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:sound-vae"
    outputs = {"EndpointName": "sound-vae", "StateMachineArn": machine, "BucketName": "the-sounds"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation, s3 = connection.client("cloudformation"), connection.client("s3")
    s3.create_bucket(Bucket="the-sounds")
    cloudformation.create_stack(StackName="SoundVae", TemplateBody=json.dumps(template))
    yield
    cloudformation.delete_stack(StackName="SoundVae")


def test_without_a_stack_the_next_step_is_named(connection: Connection) -> None:
    findings = found(connection)
    assert findings["credentials"].well
    assert "123456789012" in findings["credentials"].said
    assert findings["the stack"].well is False
    assert findings["the stack"].said.endswith("run `soundvae deploy`.")
    assert "sounds" not in findings


@pytest.mark.usefixtures("topic")
def test_each_look_says_what_to_do_and_none_stops_the_others(connection: Connection) -> None:
    findings = found(connection)
    assert findings["sounds"].well is False
    assert "soundvae upload FOLDER" in findings["sounds"].said
    assert findings["endpoint"].well is None, "what AWS refuses to say is not known"
    assert findings["mails"].said == "nobody asked for them (setting alarm_email)"
    connection.client("s3").put_object(Bucket="the-sounds", Key="audio/a.wav", Body=b"x")
    assert found(connection)["sounds"].said == "1 in s3://the-sounds/audio/"


def test_without_credentials_there_is_nothing_to_look_at(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    [finding] = doctor.examine(Connection())
    assert finding.well is False
    assert "run `aws configure`" in finding.said


class Quotas:
    """Service Quotas of an account that may train on one of the types, but not on spot."""

    def get_paginator(self, _: str) -> "Quotas":
        return self

    def paginate(self, **_: str) -> list[dict[str, list[dict[str, object]]]]:
        quotas = [{"QuotaName": "ml.g5.xlarge for training job usage", "Value": 2.0}]
        return [{"Quotas": quotas}]


def test_quotas_say_which_to_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "client", lambda self, api: Quotas())
    well, said = doctor._quotas(Connection())
    assert well
    assert said.startswith("training job usage: 2 ml.g5.xlarge, ")
    assert "ask for one ml.g5.xlarge for spot training job usage in the Service Quotas" in said
    assert "for training job usage in" not in said
