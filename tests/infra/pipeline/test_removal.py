"""When the stack is removed, what runs is stopped first."""

import json
from typing import Any

import pytest

from tests.infra.pipeline.machine import Account, ServiceError, run
from tests.infra.reading import of_type, plain


class Running:
    """Executions and jobs that run, each for two more looks after it was stopped."""

    def __init__(self) -> None:
        self.executions = {"arn:execution:a": 2, "arn:execution:b": 2}
        self.jobs = ["sound-vae--a-1", "my-sound-vae--a-1"]
        self.transforms = ["sound-vae--b-1", "my-sound-vae--b-1"]
        self.stopped: list[str] = []
        self.account = Account(
            {
                "listExecutions": self.list_executions,
                "stopExecution": lambda given: self.stopped.append(given["ExecutionArn"]) or {},  # type: ignore[func-returns-value]
                "listTrainingJobs": lambda _: {
                    "TrainingJobSummaries": [{"TrainingJobName": name} for name in self.jobs]
                },
                "stopTrainingJob": self.stop_job,
                "listTransformJobs": lambda _: {
                    "TransformJobSummaries": [
                        {"TransformJobName": name} for name in self.transforms
                    ]
                },
                "stopTransformJob": self.stop_job,
            }
        )

    def list_executions(self, given: dict[str, Any]) -> Any:
        assert given["StatusFilter"] == "RUNNING"
        if not given["StateMachineArn"].endswith(":sound-vae"):
            return {"Executions": []}
        for arn in set(self.stopped) & set(self.executions):
            self.executions[arn] -= 1
        found = [arn for arn, looks in self.executions.items() if looks]
        return {"Executions": [{"ExecutionArn": arn} for arn in found]}

    def stop_job(self, given: dict[str, Any]) -> Any:
        if (name := next(iter(given.values()))) in self.stopped:
            raise ServiceError("SageMaker.SageMakerException", "It is not running any more.")
        self.stopped.append(name)
        return {}


@pytest.fixture
def removal(definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definitions["sound-vae--removal"]
    return found


def test_executions_and_jobs_are_stopped_and_waited_for(removal: dict[str, Any]) -> None:
    running = Running()
    execution = run(removal, {}, running.account)
    assert execution.status == "SUCCEEDED", execution.cause
    executions = {"arn:execution:a", "arn:execution:b"}
    assert set(running.stopped) == {*executions, "sound-vae--a-1", "sound-vae--b-1"}
    assert execution.waited == 10


def test_where_nothing_runs_nothing_is_waited_for(removal: dict[str, Any]) -> None:
    running = Running()
    running.executions, running.jobs, running.transforms = {}, [], []
    assert run(removal, {}, running.account).waited == 0
    assert running.stopped == []


def test_it_is_called_before_the_state_machines_go_and_after_what_would_start_others(
    template: dict[str, Any],
) -> None:
    (call,) = (name for name in of_type(template, "Custom::AWS") if "RemovalCall" in name)
    custom = template["Resources"][call]
    assert json.loads(plain(custom["Properties"]["Delete"]))["action"] == "StartSyncExecution"
    assert "Create" not in custom["Properties"]
    machines = {
        name
        for name in template["Resources"]
        if template["Resources"][name]["Type"] == "AWS::StepFunctions::StateMachine"
        # but for that whose executions have ended with the deployment that waited for them
        and not name.startswith("Deployment")
    }
    assert machines <= set(needs(template, call))
    (rule,) = (name for name in of_type(template, "AWS::Events::Rule") if "Repair" in name)
    assert call in needs(template, rule)


def needs(template: dict[str, Any], name: str) -> set[str]:
    """What a resource says it depends on, directly or not."""
    found: set[str] = set()
    coming = [name]
    while coming:
        for need in template["Resources"][coming.pop()].get("DependsOn", []):
            if need not in found:
                found.add(need)
                coming.append(need)
    return found
