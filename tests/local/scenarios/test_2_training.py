"""What happens to training jobs: no quota, no capacity, mistakes, stops, interruptions."""

import random

import pytest

from local import faults
from tests.local.deployment import Deployed
from tests.local.scenarios.ordering import order, wait_for_training

FIRST, SECOND, THIRD = "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge"
EPOCH_SECONDS = 0.1


def test_no_quota_on_the_first_type_makes_the_second_train(product: Deployed) -> None:
    faults.current.no_quota = {FIRST}
    output = product.run({})
    assert output["instance_type"] == SECOND
    assert output["promoted"]


@pytest.mark.filterwarnings("ignore:.*does not match an error shape")  # of moto's models
def test_throttling_is_waited_out_on_the_same_type(product: Deployed) -> None:
    faults.current.throttled = [FIRST]
    assert product.run({})["instance_type"] == FIRST


def test_an_account_without_gpus_finishes_on_the_last_type(product: Deployed) -> None:
    faults.current.no_quota, faults.current.no_capacity = {FIRST}, {SECOND}
    output = product.run({"spot": False, "instance_count": 1, "promote": "never"})
    assert output["instance_type"] == THIRD
    assert output["spot"] is False


@pytest.mark.parametrize("spot", [True, False])
def test_no_quota_at_all_names_every_attempt_and_where_quotas_are_raised(
    product: Deployed, spot: bool
) -> None:
    faults.current.no_quota = {FIRST, SECOND, THIRD}
    cause = product.fail({"spot": spot})
    assert f'"{FIRST} for training job usage"' in cause
    assert (f'"{FIRST} for spot training job usage"' in cause) is spot
    for instance_type in (FIRST, SECOND, THIRD):
        assert f"on {instance_type}" in cause
    assert "servicequotas" in cause


@pytest.mark.parametrize("spot", [True, False])
def test_no_capacity_on_all_types_names_every_attempt(product: Deployed, spot: bool) -> None:
    faults.current.no_capacity = {FIRST, SECOND, THIRD}
    before = set(product.job_names())
    cause = product.fail({"spot": spot})
    for instance_type in (FIRST, SECOND, THIRD):
        assert f"on {instance_type} (job" in cause
        assert (f"on {instance_type} (spot) (job" in cause) is spot
    assert "CapacityError" in cause
    assert ("there was no spare capacity within" in cause) is spot
    names = set(product.job_names()) - before
    assert len(names) == (6 if spot else 3)


def test_a_job_that_fails_gives_the_scripts_own_sentence_to_the_cause(product: Deployed) -> None:
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


def test_eight_spot_interruptions_at_random_moments_lose_at_most_an_epoch_each(
    product: Deployed,
) -> None:
    count, epochs = 8, 5 * 8
    moments = random.Random(7)
    faults.current.interrupt_after = [moments.uniform(0, 3 * EPOCH_SECONDS) for _ in range(count)]
    faults.current.warning_seconds = 0  # SIGKILL at once
    request = order(product, "audio/interrupted/", epoch_seconds=EPOCH_SECONDS)
    output = product.run({**request, "spot": True, "hyperparameters": {"epochs": epochs}})
    job = product.jobs()[-1]
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == count
    lines = product.log_of(output["training_job"])
    learned = starts = 0
    for line in lines:
        name, _, value = line.removeprefix("figures: ").partition(" ")[0].partition("=")
        if name == "resumes_after":
            # not more than what was logged was lost, but for an epoch; one may be kept unlogged
            assert learned - 1 <= int(value) <= learned + 1, lines
            starts, learned = starts + 1, int(value)
        elif name == "epoch":
            assert int(value) == learned + 1, lines
            learned += 1
    assert starts == count + 1
    assert learned == epochs
