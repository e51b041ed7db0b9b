"""Everything that happens to executions, one test for each: the real stack and definition, under
the deployed policies, around a train.py that takes a second.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import clock, faults, iam, training_job
from tests.local.deployment import REPOSITORY, Client, Deployed, bootstrap, deploy

STACK = "Scenarios"
FIRST, SECOND, THIRD = "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge"


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assemblies")
    subprocess.run(
        [sys.executable, "tests/local/assemblies.py", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return folder


@pytest.fixture(scope="module")
def product(client: Client, assemblies: Path) -> Iterator[Deployed]:
    """The deployed stack, with sounds in it and a first model promoted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "speed", 20)
        hidden = {"PYTHONPATH": str(Path(__file__).parent / "no_tensorflow")}
        patch.setattr(training_job, "IMAGE_ENVIRONMENT", hidden)
        iam.DENIED.clear()
        iam.ALLOWED.clear()
        bootstrap(client)
        deploy(assemblies / "as-it-is", client, STACK)
        product = Deployed(client, assemblies / "as-it-is", STACK)
        order(product, "audio/")
        assert product.run({})["promoted"]
        yield product
        with contextlib.suppress(ClientError):  # removed by a test
            client("sagemaker").delete_endpoint(EndpointName=product.endpoint)


@pytest.fixture(autouse=True)
def consistent(product: Deployed) -> Iterator[None]:
    """After every scenario the record is true and no permission was missing."""
    iam.DENIED.clear()
    before = product.config()
    yield
    faults.clear()
    assert iam.DENIED == []
    assert product.served_model() == product.recorded_model()
    made = {name for name in product.made() if not name.startswith((product.config(), before))}
    assert len(made) <= 2, "more than the former promotion's model and config are left"
    assert product.sound({}).getnframes() > 0


def order(product: Deployed, folder: str, **orders: Any) -> dict[str, Any]:
    """Put a sound and the quick train.py's orders into a folder; return an input that names it."""
    for name, body in {"a_1.wav": b"RIFF", "orders.json": json.dumps(orders).encode()}.items():
        product.client("s3").put_object(Bucket=product.bucket, Key=folder + name, Body=body)
    return {"data": folder}


def test_happy_path_with_the_consoles_default_input(product: Deployed) -> None:
    former = product.served_model()
    output = product.run({"Comment": "Insert your JSON here"})
    assert output["promoted"]
    assert output["model"] == product.served_model()
    assert output["previous_model"] == former
    assert output["endpoint"] == product.endpoint
    assert output["metrics"]["val_loss"] == 1
    assert output["metrics"]["served_val_loss"] == 2
    assert output["instance_type"] == FIRST
    assert output["billable_seconds"] <= output["training_seconds"]


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"colour": "red"}, ["colour", "hyperparameters", "instance_types"]),
        ({"hyperparameters": {"epoch": 3}}, ["epoch", "epochs"]),
        ({"hyperparameters": {"epochs": "many"}}, ["epochs", "many", "whole number"]),
        ({"hyperparameters": {"epochs": 0}}, ["epochs", "0", "1 to 10000"]),
        ({"hyperparameters": 3}, ["hyperparameters", "3"]),
        ({"instance_types": []}, ["instance_types", "ml.g5.xlarge"]),
        ({"instance_types": ["g5.xlarge"]}, ["instance_types", "g5.xlarge"]),
        ({"spot": "yes"}, ["spot", "yes", "true or false"]),
        ({"max_runtime_minutes": 0}, ["max_runtime_minutes", "0"]),
        ({"promote": "maybe"}, ["promote", "maybe", "if_better"]),
        ({"data": "private/"}, ["data", "private/", "audio/"]),
        ({"data": "audio/nothing/"}, ["audio/nothing/", "wav"]),
        ({"model": "s3://elsewhere/model.tar.gz"}, ["model", "s3://elsewhere/model.tar.gz"]),
        ({"model": "MISSING"}, ["no model at"]),
        ({"model": "MISSING", "spot": True}, ["leave out spot"]),
    ],
)
def test_bad_input_fails_before_anything_costs_money(
    product: Deployed, request_: dict[str, Any], named: list[str]
) -> None:
    if request_.get("model") == "MISSING":
        url = f"s3://{product.bucket}/output/none/output/model.tar.gz"
        request_ = {**request_, "model": url}
    before = len(product.jobs())
    cause = product.fail(request_)
    for word in named:
        assert word in cause
    assert len(product.jobs()) == before


def test_a_quota_of_the_first_type_makes_the_second_train(product: Deployed) -> None:
    faults.current.no_quota = {FIRST}
    output = product.run({})
    assert output["instance_type"] == SECOND
    assert output["promoted"]


def test_throttling_is_waited_out_on_the_same_type(product: Deployed) -> None:
    faults.current.throttled = [FIRST]
    assert product.run({})["instance_type"] == FIRST


def test_no_quota_at_all_names_every_attempt_and_where_quotas_are_raised(
    product: Deployed,
) -> None:
    faults.current.no_quota = {FIRST, SECOND, THIRD}
    cause = product.fail({})
    for instance_type in (FIRST, SECOND, THIRD):
        assert f"on {instance_type}" in cause
    assert "servicequotas" in cause


@pytest.mark.parametrize("spot", [True, False])
def test_no_capacity_on_all_names_every_attempt(
    product: Deployed, monkeypatch: pytest.MonkeyPatch, spot: bool
) -> None:
    monkeypatch.setattr(clock, "speed", 10_000)
    faults.current.no_capacity = {FIRST, SECOND, THIRD}
    before = {job["TrainingJobName"] for job in product.jobs()}
    cause = product.fail({"spot": spot})
    for instance_type in (FIRST, SECOND, THIRD):
        assert f"on {instance_type}" in cause
    assert ("spare capacity" if spot else "CapacityError") in cause
    names = {job["TrainingJobName"] for job in product.jobs()} - before
    assert len(names) == 3


def test_the_scripts_own_sentence_reaches_the_cause(product: Deployed) -> None:
    request = order(product, "audio/mistaken/", mistake="The sounds are of two kinds.")
    cause = product.fail(request)
    assert f"on {FIRST}" in cause
    assert "The sounds are of two kinds." in cause
    assert SECOND not in cause, "another instance would make the same mistake"


def test_a_stopped_job_ends_the_execution_with_a_sentence(product: Deployed) -> None:
    execution = product.start(order(product, "audio/slow/", epoch_seconds=60))
    name = wait_for_training(product, execution)
    product.client("sagemaker").stop_training_job(TrainingJobName=name)
    answer = product.finish(execution)
    assert answer["status"] == "FAILED"
    assert "it was stopped" in answer["cause"]


def wait_for_training(product: Deployed, execution: str) -> str:
    """Wait until the newest job's script runs; return the job's name."""
    product.wait_for_state(execution, "Train the model")
    while True:
        jobs = product.jobs()
        if jobs and (jobs[-1]["TrainingJobStatus"], jobs[-1]["SecondaryStatus"]) == (
            "InProgress",
            "Training",
        ):
            return jobs[-1]["TrainingJobName"]
        time.sleep(0.05)


@pytest.mark.parametrize("promote", ["if_better", "never"])
def test_a_model_that_is_not_promoted_stays_and_says_how_to_promote_it(
    product: Deployed, promote: str
) -> None:
    before = product.config()
    request = order(product, "audio/worse/", val_loss=3.0)
    output = product.run({**request, "promote": promote})
    assert not output["promoted"]
    assert output["why"]
    assert product.config() == before
    assert product.run(output["promote_with"])["promoted"], "the way that it says must work"
    assert product.served_model() == output["model"]


def test_promote_always_takes_a_worse_model(product: Deployed) -> None:
    request = order(product, "audio/worse/", val_loss=3.0)
    output = product.run({**request, "promote": "always"})
    assert output["promoted"]
    assert product.served_model() == output["model"]


def test_an_update_that_fails_leaves_the_former_config_and_no_orphan(product: Deployed) -> None:
    before, made = product.config(), product.made()
    faults.current.update_fails = "The container was too large to start."
    cause = product.fail({})
    assert "The container was too large to start." in cause
    assert "What was trained is kept at s3://" in cause
    assert product.config() == before
    assert product.made() == made


def test_a_silent_model_is_taken_back(product: Deployed) -> None:
    before, made = product.config(), product.made()
    faults.current.silence = True
    cause = product.fail({})
    faults.clear()
    assert "silence" in cause
    assert product.config() == before
    assert product.made() == made


def test_rollback_is_one_execution(product: Deployed) -> None:
    former = product.served_model()
    assert product.run({})["model"] == product.served_model() != former
    output = product.run({"model": former})
    assert output["promoted"]
    assert product.served_model() == former


def test_two_executions_at_once_take_turns(product: Deployed) -> None:
    executions = [product.start({"promote": "always"}) for _ in range(2)]
    answers = [product.finish(execution) for execution in executions]
    assert [answer["status"] for answer in answers] == ["SUCCEEDED", "SUCCEEDED"], answers
    models = {json.loads(answer["output"])["model"] for answer in answers}
    assert len(models) == 2
    assert product.served_model() in models


@pytest.mark.parametrize("moment", ["Train the model", "Create the model", "Update the endpoint"])
def test_after_an_execution_is_aborted_half_way_the_next_one_works(
    product: Deployed, moment: str
) -> None:
    execution = product.start({"promote": "always"})
    product.wait_for_state(execution, moment)
    product.client("stepfunctions").stop_execution(executionArn=execution)
    product.finish(execution)
    output = product.run({"promote": "always"})
    assert output["promoted"]
    assert product.served_model() == output["model"]


def test_a_deploy_while_an_execution_runs_keeps_both(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    execution = product.start(order(product, "audio/slow/", epoch_seconds=1.5))
    wait_for_training(product, execution)
    deploy(assemblies / "memory", client, STACK)
    assert memory(product) == 4096
    answer = product.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    assert product.served_model() == json.loads(answer["output"])["model"]


def memory(product: Deployed) -> int:
    endpoint = product.client("sagemaker").describe_endpoint(EndpointName=product.endpoint)
    return endpoint["ProductionVariants"][0]["CurrentServerlessConfig"]["MemorySizeInMB"]


@pytest.mark.parametrize("change", ["memory", "image", "starter", "role", "as-it-is"])
def test_a_deploy_keeps_the_promoted_model(
    product: Deployed, assemblies: Path, client: Client, change: str
) -> None:
    promoted = product.served_model()
    deploy(assemblies / change, client, STACK)
    assert product.served_model() == promoted
    assert "starter" not in promoted
