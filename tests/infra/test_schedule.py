"""Executions start by the clock only if a setting says when."""

from typing import Any

from tests.infra.reading import machine_of, of_type, plain, the


def test_nothing_starts_by_itself_by_default(template: dict[str, Any]) -> None:
    assert not of_type(template, "AWS::Scheduler::Schedule")


def test_the_schedule_starts_the_state_machine_with_its_defaults(
    everything: dict[str, Any],
) -> None:
    schedule = plain(the(everything, "AWS::Scheduler::Schedule"))
    machine, _ = machine_of(everything, "birds")
    (role,) = (n for n in of_type(everything, "AWS::IAM::Role") if n.startswith("ScheduleRole"))
    assert schedule == {
        "ScheduleExpression": "cron(0 3 ? * SUN *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": f"<{machine}>", "Input": "{}", "RoleArn": f"<{role}.Arn>"},
    }
