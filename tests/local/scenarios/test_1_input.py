"""Executions begin with their input: what is right runs, what is wrong costs nothing."""

from typing import Any

import pytest

from tests.local.deployment import Deployed

FIRST = "ml.g5.xlarge"


@pytest.mark.parametrize("input_", [{}, {"Comment": "Insert your JSON here"}])
def test_happy_path_with_an_empty_and_with_the_consoles_default_input(
    product: Deployed, input_: dict[str, Any]
) -> None:
    former = product.served_model()
    output = product.run(input_)
    assert output["promoted"]
    assert output["why"]
    assert output["model"] == product.served_model()
    assert output["previous_model"] == {"model": former}
    assert output["endpoint"] == product.endpoint
    assert output["endpoint_config"] == product.config()
    assert output["metrics"]["val_loss"] == 1
    assert output["metrics"]["served_val_loss"] == 2
    assert output["instance_type"] == FIRST
    assert output["spot"] is False
    assert output["billable_seconds"] <= output["training_seconds"]
    assert output["data"] == {"files": 1, "clips": 1, "warnings": []}
    assert product.job_names()[-1] == output["training_job"]


def test_the_output_names_the_runs_report(product: Deployed) -> None:
    report = product.run({"promote": "never"})["report"]
    bucket, _, key = report.removeprefix("s3://").partition("/")
    assert product.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0


def test_a_run_goes_on_from_what_is_served_or_from_a_run_that_was_not_promoted(
    product: Deployed,
) -> None:
    former = product.run({"promote": "never"})
    for start in ("served", former["model"]):
        output = product.run({"promote": "never", "start_from": start})
        assert any("starts_from=" in line for line in product.log_of(output["training_job"]))
    assert not any("starts_from=" in line for line in product.log_of(former["training_job"]))


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"colour": "red"}, ["colour", "hyperparameters", "instance_types"]),
        ({"epochs": 3}, ['write {"hyperparameters": {"epochs": 3}}']),
        ({"hyperparameters": {"epoch": 3}}, ["epoch", "epochs"]),
        ({"hyperparameters": {"epochs": "many"}}, ["epochs", "many", "whole number"]),
        ({"hyperparameters": {"epochs": 0}}, ["epochs", "0", "1 to 10000"]),
        ({"hyperparameters": 3}, ["hyperparameters", "3"]),
        ({"instance_types": []}, ["instance_types", "ml.g5.xlarge"]),
        ({"instance_types": ["g5.xlarge"]}, ["instance_types", "g5.xlarge"]),
        ({"instance_count": 17}, ["instance_count", "17", "1 to 16"]),
        ({"instance_count": 4}, ["only 2 sounds", "on 4 machines", "at least 8"]),
        ({"spot": "yes"}, ["spot", "yes", "true or false"]),
        ({"max_runtime_minutes": 0}, ["max_runtime_minutes", "0"]),
        ({"promote": "maybe"}, ["promote", "maybe", "if_better"]),
        ({"data": "private/"}, ["data", "private/", "audio/"]),
        ({"data": "audio/nothing/"}, ["audio/nothing/", "wav"]),
        ({"model": "s3://elsewhere/model.tar.gz"}, ["model", "s3://elsewhere/model.tar.gz"]),
        ({"model": "MISSING"}, ["no model at"]),
        ({"model": "MISSING", "spot": True}, ["leave out spot"]),
        ({"start_from": "MISSING"}, ["no model to start from at", "leave out start_from"]),
        ({"start_from": "best"}, ["start_from", "best", '"served"']),
    ],
)
def test_bad_input_fails_before_anything_costs_money(
    product: Deployed, request_: dict[str, Any], named: list[str]
) -> None:
    url = f"s3://{product.bucket}/output/none/output/model.tar.gz"
    request_ = {name: url if value == "MISSING" else value for name, value in request_.items()}
    before = product.job_names()
    cause = product.fail(request_, error="SoundVae.WrongInput")
    for word in named:
        assert word in cause
    assert product.job_names() == before
