"""Endpoints on instances: a container for each, and another number of them while they serve."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from moto.applicationautoscaling.models import applicationautoscaling_backends

from local.sagemaker import scaling
from tests.local.deployment import ACCOUNT, REGION, REPOSITORY, Client
from tests.local.sagemaker.archives import BUCKET, archive
from tests.local.sagemaker.test_endpoints import constant_model, invoked, settled
from tests.local.waiting import until

TYPE = "ml.c6i.large"
HANDLER = """
import os, pathlib, time
def handler(data, context):
    what, _, value = data.read().decode().partition(" ")
    if what == "sleep":
        time.sleep(float(value))
    if what == "write":
        pathlib.Path(value).write_text("kept")
    if what == "long":
        return "x" * int(value), "text/plain"
    return f"MODEL {os.getppid()}", "text/plain"
"""
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def make_config(client: Client, name: str, model: str, **capacity: Any) -> None:
    given = capacity or {"InstanceType": TYPE, "InitialInstanceCount": 1}
    variant = {"VariantName": "AllTraffic", "ModelName": model, **given}
    client("sagemaker").create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant]
    )


def make_model(client: Client, role: str, name: str, body: bytes) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=f"models/{name}.tar.gz", Body=body)
    client("sagemaker").create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": "image",
            "ModelDataUrl": f"s3://{BUCKET}/models/{name}.tar.gz",
        },
    )


@pytest.fixture(scope="module")
def steady(client: Client, role: str) -> Iterator[str]:
    """The name of an endpoint with two instances; there is another model for it."""
    api, saved = client("sagemaker"), constant_model()
    for model in ("one", "two"):
        handler = HANDLER.replace("MODEL", f"model {model}").encode()
        make_model(
            client, role, f"steady-{model}", archive({**saved, "code/inference.py": handler})
        )
        make_config(client, f"steady-{model}", f"steady-{model}")
    make_config(client, "steady-at-first", "steady-one", InstanceType=TYPE, InitialInstanceCount=2)
    api.create_endpoint(EndpointName="steady", EndpointConfigName="steady-at-first")
    assert settled(client, "steady")["EndpointStatus"] == "InService"
    yield "steady"
    api.delete_endpoint(EndpointName="steady")


def counts(client: Client, name: str) -> tuple[int, int]:
    (variant,) = settled(client, name)["ProductionVariants"]
    return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


def answers(client: Client, name: str, number: int = 30) -> set[str]:
    """What so many requests are answered: the model and the container."""
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: invoked(client, name, ""), range(number)))
    assert not [answer for answer in found if "text" not in answer]
    return {answer["text"] for answer in found}


def scale(client: Client, name: str, count: int) -> None:
    client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
    )


def test_requests_go_to_a_container_of_each_instance(client: Client, steady: str) -> None:
    assert counts(client, steady) == (2, 2)
    assert len(answers(client, steady)) == 2


def test_another_number_of_instances_is_another_number_of_containers(
    client: Client, steady: str
) -> None:
    scale(client, steady, 3)
    said = client("sagemaker").describe_endpoint(EndpointName=steady)
    assert said["EndpointStatus"] == "Updating"
    assert said["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        scale(client, steady, 4)
    assert counts(client, steady) == (3, 3)
    assert len(answers(client, steady)) == 3
    scale(client, steady, 1)
    assert counts(client, steady) == (1, 1)
    assert len(answers(client, steady)) == 1


@pytest.mark.parametrize(("retain", "expected"), [(True, 2), (False, 1)])
def test_an_update_keeps_the_instances_that_there_are_only_if_it_says_so(
    client: Client, steady: str, retain: bool, expected: int
) -> None:
    scale(client, steady, 2)
    assert counts(client, steady) == (2, 2)
    client("sagemaker").update_endpoint(
        EndpointName=steady, EndpointConfigName="steady-two", RetainAllVariantProperties=retain
    )
    assert counts(client, steady) == (expected, expected)
    found = answers(client, steady)
    assert len(found) == expected
    assert {answer.rpartition(" ")[0] for answer in found} == {"model two"}


def test_a_request_that_has_begun_is_answered_by_the_model_that_began_it(
    client: Client, steady: str
) -> None:
    before = answers(client, steady).pop().rpartition(" ")[0]
    other = "one" if before == "model two" else "two"
    with ThreadPoolExecutor(1) as pool:
        began = pool.submit(invoked, client, steady, "sleep 20")
        time.sleep(0.5)
        client("sagemaker").update_endpoint(
            EndpointName=steady, EndpointConfigName=f"steady-{other}"
        )
        assert counts(client, steady) == (1, 1)
        after = answers(client, steady)
        assert {answer.rpartition(" ")[0] for answer in after} == {f"model {other}"}
        assert began.result()["text"].startswith(before)


def test_the_limits_are_those_of_real_time_endpoints(
    client: Client, steady: str, tmp_path: Path
) -> None:
    assert "text" in invoked(client, steady, "x" * 4_000_001)
    assert invoked(client, steady, "x" * 25_000_001)["status"] == 413
    assert len(invoked(client, steady, "long 4000001")["text"]) == 4_000_001
    assert "text" in invoked(client, steady, f"write {tmp_path / 'notes'}")
    assert (tmp_path / "notes").read_text() == "kept", "the file system can be written to"
    with ThreadPoolExecutor(8) as pool:  # no concurrency to be beyond of
        found = list(pool.map(lambda _: invoked(client, steady, "sleep 0.1"), range(8)))
    assert all("text" in one for one in found)


def test_an_instance_type_that_aws_does_not_have_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match=r"ml\.c6i\.tiny"):
        make_config(client, "tiny", "any", InstanceType="ml.c6i.tiny", InitialInstanceCount=1)


@pytest.fixture
def register(client: Client) -> Callable[..., None]:
    def register(name: str, target: float, least: int = 1, most: int = 3) -> None:
        api = client("application-autoscaling")
        where = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{name}/variant/AllTraffic",
            "ScalableDimension": DIMENSION,
        }
        api.register_scalable_target(**where, MinCapacity=least, MaxCapacity=most)
        api.put_scaling_policy(
            **where,
            PolicyName="requests",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": target,
                "PredefinedMetricSpecification": {"PredefinedMetricType": scaling.METRIC},
            },
        )

    return register


def test_what_is_scaled_is_an_endpoint_with_instances(
    client: Client, steady: str, register: Callable[..., None]
) -> None:
    with pytest.raises(ClientError, match="no endpoint with instances"):
        register("no-such", 10.0)
    api = client("application-autoscaling")
    with pytest.raises(api.exceptions.ObjectNotFoundException):
        api.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{steady}/variant/AllTraffic",
            ScalableDimension=DIMENSION,
        )


def test_more_requests_bring_more_instances_and_silence_takes_them_away(
    client: Client,
    steady: str,
    register: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_at = scaling.look_at
    monkeypatch.setattr(scaling, "look_at", lambda *_: None)  # minutes pass here, and only here
    scale(client, steady, 1)
    assert counts(client, steady) == (1, 1)
    register(steady, target=10.0)
    backend = applicationautoscaling_backends[ACCOUNT][REGION]
    (policy,) = backend.policies.values()
    minutes = iter(range(0, 100_000, 60))

    def pass_minutes(number: int, requests: int) -> None:
        for _ in range(number):
            for _ in range(requests):
                invoked(client, steady, "")
            look_at(backend, policy, next(minutes))

    pass_minutes(1, 15)
    pass_minutes(2, 15)
    assert counts(client, steady) == (2, 2), "three minutes of 15 requests where 10 are to be"
    pass_minutes(4, 60)
    assert counts(client, steady) == (2, 2), "not again so soon"
    pass_minutes(1, 60)
    assert counts(client, steady) == (3, 3), "no more than the most"
    pass_minutes(14, 0)
    assert counts(client, steady) == (3, 3)
    pass_minutes(1, 0)
    assert counts(client, steady) == (1, 1), "no fewer than the least"
    make_config(
        client, "steady-m5", "steady-one", InstanceType="ml.m5.large", InitialInstanceCount=1
    )
    api = client("sagemaker")
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        api.update_endpoint(EndpointName=steady, EndpointConfigName="steady-m5")
    api.update_endpoint(EndpointName=steady, EndpointConfigName="steady-one")
    assert counts(client, steady) == (1, 1), "another model may come while it is scaled"


@pytest.fixture(scope="module")
def product_s(client: Client, role: str) -> Iterator[str]:
    """The name of an endpoint with one instance that serves the starter."""
    body = (REPOSITORY / "infra" / "starter" / "model.tar.gz").read_bytes()
    make_model(client, role, "starter", body)
    make_config(client, "starter", "starter")
    api = client("sagemaker")
    api.create_endpoint(EndpointName="starter", EndpointConfigName="starter")
    assert settled(client, "starter")["EndpointStatus"] == "InService"
    yield "starter"
    api.delete_endpoint(EndpointName="starter")


def process_of(client: Client, name: str, module: str) -> psutil.Process:
    from moto.sagemaker.models import sagemaker_backends

    (pid,) = sagemaker_backends[ACCOUNT][REGION].fleets[name].pids
    family = psutil.Process(pid).children()
    return next(p for p in family if f"local.sagemaker.{module}" in p.cmdline())


@pytest.mark.parametrize(
    ("module", "status", "words"),
    [
        ("tensorflow_serving", 503, "the model did not answer: "),
        ("python_service", 502, "502 Bad Gateway"),
    ],
)
def test_a_server_that_dies_with_a_request_costs_one_error_and_is_well_again(
    client: Client, product_s: str, module: str, status: int, words: str
) -> None:
    api = client("sagemaker-runtime")

    def ask() -> bytes:
        answer = api.invoke_endpoint(EndpointName=product_s, Body=json.dumps({"seed": 1}))
        return bytes(answer["Body"].read())

    well, server = ask(), process_of(client, product_s, module)
    for process in (server, *server.children()):
        process.suspend()  # so that it has the request, and has not answered
    errors: list[ClientError] = []

    def caller() -> None:
        try:
            ask()
        except ClientError as error:
            errors.append(error)

    asking = threading.Thread(target=caller)
    asking.start()
    time.sleep(0.5)
    for process in (server, *server.children()):
        process.send_signal(signal.SIGKILL)
    asking.join()
    (error,) = errors
    assert error.response["Error"]["Code"] == "ModelError"
    assert error.response["OriginalStatusCode"] == status
    assert words in error.response["OriginalMessage"]
    if module == "python_service":  # nginx has nobody to hand requests to until it listens again
        until(lambda: invoked(client, product_s, "{}").get("status") != 424)
    assert ask() == well, "one error, and no other"
