"""Faults are said on the command line, and a mistake in one is a sentence."""

from collections.abc import Iterator

import pytest

from local import faults


@pytest.fixture(autouse=True)
def afterwards_none() -> Iterator[None]:
    yield
    faults.clear()


def test_faults_add_up_and_go_away() -> None:
    faults.add(
        ["no-quota=ml.a.b", "no-quota=ml.c.d", "interrupt-after=2.5", "update-fails=too big"]
    )
    faults.add(["update-takes=90"])
    assert faults.current.update_takes == 90
    assert faults.current.no_quota == {"ml.a.b", "ml.c.d"}
    assert faults.current.interrupt_after == [2.5]
    assert faults.current.update_fails == "too big"
    faults.clear()
    assert faults.current == faults.Faults()


@pytest.mark.parametrize("option", ["rain=today", "no-quota", "interrupt-after="])
def test_a_fault_that_does_not_exist_is_named(option: str) -> None:
    with pytest.raises(ValueError, match=f"--fault {option}"):
        faults.add([option])


def test_throttling_happens_once_for_each_time_it_is_ordered() -> None:
    faults.add(["throttled=ml.a.b"])
    assert faults.current.refusal("ml.a.b", spot=True) == ("ThrottlingException", "Rate exceeded")
    assert faults.current.refusal("ml.a.b", spot=True) is None


def test_a_call_is_throttled_once_for_each_time_it_is_ordered() -> None:
    faults.add(["busy=CreateModel"])
    assert not faults.current.is_busy("UpdateEndpoint")
    assert faults.current.is_busy("CreateModel")
    assert not faults.current.is_busy("CreateModel")


def test_a_quota_of_nothing_is_worded_as_on_aws() -> None:
    faults.add(["no-quota=ml.a.b"])
    code, message = faults.current.refusal("ml.a.b", spot=False) or ("", "")
    assert code == "ResourceLimitExceeded"
    assert "'ml.a.b for training job usage' is 0 Instances" in message


def test_spot_training_has_quotas_and_capacity_of_its_own() -> None:
    faults.add(["no-spot-quota=ml.a.b", "no-quota=ml.c.d", "no-spot-capacity=ml.e.f"])
    assert faults.current.refusal("ml.a.b", spot=False) is None
    for kind in ("ml.a.b", "ml.c.d"):
        _, message = faults.current.refusal(kind, spot=True, count=2) or ("", "")
        assert f"'{kind} for spot training job usage' is 0 Instances" in message
        assert "a request delta of 2 Instances" in message
    assert faults.current.has_capacity("ml.e.f", spot=False)
    assert not faults.current.has_capacity("ml.e.f", spot=True)
    assert faults.current.has_capacity("ml.a.b", spot=True)
