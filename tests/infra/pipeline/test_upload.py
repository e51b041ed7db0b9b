"""Uploads start an execution when they have been quiet for a while, and never two at once."""

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.settings import Settings
from tests.infra.conftest import Synthesise
from tests.infra.pipeline.machine import Account, Execution, ServiceError, run
from tests.infra.pipeline.test_removal import needs
from tests.infra.reading import machine_of, of_type, plain
from tests.infra.watching.test_alarms import matches

UPLOAD = {"operation": "upload"}
QUIET = datetime.timedelta(minutes=15)  # what the variant "everything" says


@dataclass
class Services:
    """The schedules there are, and the executions that run or have run."""

    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    conflicts: bool = False
    unseen: bool = False  # listExecutions is eventually consistent

    def account(self) -> Account:
        return Account(
            {
                "updateSchedule": self.update,
                "createSchedule": self.create,
                "listExecutions": self.list,
                "startExecution": self.start,
            }
        )

    def update(self, given: dict[str, Any]) -> Any:
        if self.conflicts:
            raise ServiceError("Scheduler.ConflictException")
        if given["Name"] not in self.schedules:
            raise ServiceError("Scheduler.ResourceNotFoundException")
        self.schedules[given["Name"]] = given
        return {"ScheduleArn": "arn"}

    def create(self, given: dict[str, Any]) -> Any:
        if self.conflicts or given["Name"] in self.schedules:
            raise ServiceError("Scheduler.ConflictException")
        self.schedules[given["Name"]] = given
        return {"ScheduleArn": "arn"}

    def list(self, given: dict[str, Any]) -> Any:
        assert given["StatusFilter"] == "RUNNING"
        assert given["StateMachineArn"].endswith(":birds")
        return {"Executions": [{"Name": name} for name in self.running if not self.unseen]}

    def start(self, given: dict[str, Any]) -> Any:
        assert given["StateMachineArn"].endswith(":birds")
        assert given["Input"] == "{}"
        if given["Name"] in self.ended:
            raise ServiceError("Sfn.ExecutionAlreadyExistsException")
        if given["Name"] not in self.running:  # else it is the same execution
            self.running.append(given["Name"])
        return {"ExecutionArn": given["Name"]}


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def call(everything: dict[str, Any], services: Services, definitions: dict[str, Any]) -> Any:
    def called(given: dict[str, Any]) -> Execution:
        execution = run(definitions["birds--upload"], given, services.account())
        assert execution.status == "SUCCEEDED", execution.cause
        assert execution.waited == 0, "an Express state machine is billed for its time"
        return execution

    return called


def due(schedule: dict[str, Any]) -> datetime.datetime:
    """The time of a schedule that is for once, in UTC."""
    assert "ScheduleExpressionTimezone" not in schedule
    return datetime.datetime.strptime(
        schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)"
    ).replace(tzinfo=datetime.UTC)


def fire(schedule: dict[str, Any]) -> dict[str, Any]:
    """What the schedule's target gets."""
    given: dict[str, Any] = json.loads(schedule["Target"]["Input"])
    return given


def now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0)


def test_an_upload_sets_the_start_to_a_quiet_time_from_now(call: Any, services: Services) -> None:
    before = now()
    call(UPLOAD)
    (schedule,) = services.schedules.values()
    assert before + QUIET <= due(schedule) <= now() + QUIET
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert "ActionAfterCompletion" not in schedule  # the next upload sets it anew
    assert not services.running


def test_the_next_upload_puts_it_off_and_there_is_one_start_for_all(
    call: Any, services: Services
) -> None:
    call(UPLOAD)
    (name,) = services.schedules
    early = services.schedules[name] = {
        **services.schedules[name],
        "ScheduleExpression": "at(2020-01-01T00:00:00)",
    }
    call(UPLOAD)
    call(UPLOAD)
    (schedule,) = services.schedules.values()
    assert due(schedule) > due(early)
    call(fire(schedule))
    assert len(services.running) == 1


def test_uploads_at_the_same_moment_do_not_fail_each_other(call: Any, services: Services) -> None:
    services.conflicts = True
    call(UPLOAD)
    services.conflicts = False
    call(UPLOAD)
    services.conflicts = True
    call(UPLOAD)
    assert len(services.schedules) == 1


def test_while_an_execution_is_under_way_the_start_is_put_off_until_it_has_ended(
    call: Any, services: Services
) -> None:
    services.running = ["by-hand"]
    call(UPLOAD)
    (schedule,) = services.schedules.values()
    before = now()
    call(fire(schedule))
    assert services.running == ["by-hand"]
    (schedule,) = services.schedules.values()
    assert before + QUIET <= due(schedule)
    services.running = []
    call(fire(schedule))
    (started,) = services.running
    assert started.startswith("uploads-20")


@pytest.mark.parametrize("unseen", [False, True])
def test_a_start_that_is_delivered_twice_is_one_execution(
    call: Any, services: Services, unseen: bool
) -> None:
    call(UPLOAD)
    (schedule,) = services.schedules.values()
    services.unseen = unseen
    call(fire(schedule))
    call(fire(schedule))
    assert len(services.running) == 1
    assert services.schedules == {schedule["Name"]: schedule}, "nothing else is to be started"
    services.running, services.ended = [], services.running
    call(fire(schedule))
    assert services.running == []


@pytest.mark.parametrize(
    ("key", "size", "starts"),
    [
        ("audio/a_1.wav", 44, True),
        ("audio/deep/er/a_1.wav", 44, True),
        ("spectrograms/a.npy", 44, True),
        ("audio/empty/", 0, False),  # a folder that the console made
        ("models/run/model.tar.gz", 44, False),
        ("output/audio/a.wav", 44, False),
    ],
)
def test_only_sounds_count_as_uploads(
    everything: dict[str, Any], key: str, size: int, starts: bool
) -> None:
    (rule,) = (
        plain(rule)
        for name, rule in of_type(everything, "AWS::Events::Rule").items()
        if name.startswith("PipelineUpload")
    )
    (bucket,) = of_type(everything, "AWS::S3::Bucket")
    detail = {"bucket": {"name": f"<{bucket}>"}, "object": {"key": key, "size": size}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert matches(rule["EventPattern"], event) is starts
    assert not matches(rule["EventPattern"], {**event, "detail-type": "Object Deleted"})
    detail["bucket"] = {"name": "another"}
    assert not matches(rule["EventPattern"], event)
    (target,) = rule["Targets"]
    assert json.loads(target["Input"]) == UPLOAD
    assert target["Arn"].endswith(":stateMachine:birds--upload")


def test_without_the_setting_there_is_nothing_of_it(template: dict[str, Any]) -> None:
    assert not [name for name in template["Resources"] if name.startswith("PipelineUpload")]


def test_the_schedule_goes_with_its_group_before_executions_are_stopped(
    everything: dict[str, Any],
) -> None:
    (group,) = of_type(everything, "AWS::Scheduler::ScheduleGroup").values()
    assert group["Name"] == "birds--upload"
    (call,) = (name for name in of_type(everything, "Custom::AWS") if "RemovalCall" in name)
    starters = [
        *(name for name in everything["Resources"] if name.startswith("PipelineUpload")),
        *of_type(everything, "AWS::Scheduler::Schedule"),
    ]
    assert len(starters) > 6
    for name in starters:
        assert call in needs(everything, name), name


def test_an_upload_to_a_bucket_of_ones_own_starts_an_execution_too(synthesise: Synthesise) -> None:
    adopted = synthesise(bucket_name="my-own-sounds", train_after_upload_minutes=5)
    (rule,) = (
        rule
        for name, rule in of_type(adopted, "AWS::Events::Rule").items()
        if name.startswith("PipelineUpload")
    )
    assert rule["EventPattern"]["detail"]["bucket"]["name"] == ["my-own-sounds"]
    _, machine = machine_of(adopted, f"{Settings.name}--upload")
    assert machine["StateMachineType"] == "EXPRESS"
