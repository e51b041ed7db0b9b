"""The arithmetic from one machine to many is that of what was measured."""

import dataclasses

import pytest

from benchmarks import scale
from benchmarks.endpoint_load import INSTANCE_HOUR
from benchmarks.several_machines import LATENCY, StepCost, paying

STEP = StepCost(fixed=0.01, each=0.002, parameters=1_000_000)
MEASURED = scale.Measured(
    STEP,
    counted={2: 4e6},
    prepared=1000,
    clip_bytes=15_000,
    file_bytes=24_000,
    sounds=500,
    sound_bytes=8_000,
    request_seconds=0.03,
    answers=100,
)


def test_machines_share_a_step_and_pay_for_what_they_tell_each_other() -> None:
    assert STEP.on(1, 32, gigabits=10) == pytest.approx(0.074)
    assert STEP.sent(2) == pytest.approx(4e6)  # once its gradients, of four bytes each
    assert STEP.sent(16) == pytest.approx(7.5e6)
    # half of the clips, and 4 MB at 10 gigabits a second
    assert STEP.on(2, 32, gigabits=10) == pytest.approx(0.042 + 0.0032 + 0.001)
    assert STEP.on(2, 32, gigabits=0.1) > STEP.on(1, 32, gigabits=0.1), "a slow network"


def test_few_clips_a_machine_cost_the_exchanges_of_batch_normalisation() -> None:
    normalised = dataclasses.replace(STEP, exchanges=20)
    for machines, batch, seconds in ((1, 32, 0), (2, 32, 20 * LATENCY), (2, 64, 0)):
        more = normalised.on(machines, batch, 10) - STEP.on(machines, batch, 10)
        assert more == pytest.approx(seconds)


def test_machines_pay_up_to_where_they_gain_half_of_their_number() -> None:
    assert paying(STEP, 32, gigabits=0.01) == 1
    assert paying(STEP, 32, gigabits=1000) > 2


def test_a_run_has_the_steps_of_a_small_one_or_three_epochs() -> None:
    small, large = (scale.training(MEASURED, clips, 1) for clips in (3_000, 10_000_000))
    assert small.steps >= scale.LEAST_STEPS
    assert small.preparing == 0
    assert large.epochs == 3
    assert large.steps == 3 * (10_000_000 // 32)
    assert large.preparing == pytest.approx(10_000_000 / (1000 * scale.CORES))
    assert large.dollars == pytest.approx(
        (large.seconds + large.preparing) / 3600 * scale.HOUR, rel=1e-6
    )


def test_more_machines_are_only_taken_where_they_halve_the_time() -> None:
    runs = [scale.training(MEASURED, clips, n) for clips in (3_000,) for n in scale.MACHINES]
    assert scale.best(runs).machines == 1
    runs = [scale.training(MEASURED, 10_000_000, n) for n in scale.MACHINES]
    assert scale.best(runs).machines > 1


def test_few_sounds_are_cheapest_without_a_machine_and_many_in_bulk() -> None:
    one, million = (scale.of_a_day(MEASURED, sounds) for sounds in (1, 1_000_000))
    assert min(one, key=one.__getitem__) == "serverless"
    assert million["bulk"] < million["serverless"]
    assert million["instance"] == pytest.approx(INSTANCE_HOUR * 24), "one is enough"


def test_the_pages_tables_have_a_cell_for_each_column() -> None:
    assert "| 10,000,000 |" in scale.learning(MEASURED).to_markdown()
    assert "| 1,000,000 |" in scale.asking(MEASURED).to_markdown()
