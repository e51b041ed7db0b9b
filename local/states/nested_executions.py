"""A state machine that calls another: `arn:aws:states:::states:startExecution`, also `.sync:2`.

moto starts and describes the other execution as the account's owner, and lets it run on when the
one that waits for it is stopped.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sfn as of_moto,
)

from local.states.tasks import call, task_failure, wait_for_end


class StartExecutionTask(of_moto.StateTaskServiceSfn):
    """Starts an execution with a session of the state machine's role, and may wait for its end."""

    _eval_sync = wait_for_end

    def __init__(self) -> None:
        super().__init__()
        self._stop: Callable[[], Any] = lambda: None

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        role, region = state_credentials.role_arn, resource_runtime_part.region
        env.stack.append(
            call(role, "stepfunctions", "start_execution", normalised_parameters, region)
        )

    def _build_sync2_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        role, region = state_credentials.role_arn, resource_runtime_part.region
        started = {"ExecutionArn": env.stack.pop()["ExecutionArn"]}

        def description_at_the_end() -> Any:
            described = call(role, "stepfunctions", "describe_execution", started, region)
            if described["Status"] == "RUNNING":
                return None
            if described["Status"] != "SUCCEEDED":
                cause = json.dumps(described)
                raise FailureEventException(task_failure(self, env, "States.TaskFailed", cause))
            # what tells sync:2 from sync: JSON comes parsed
            parsed = {name: json.loads(described[name]) for name in ("Input", "Output")}
            return described | parsed

        self._stop = lambda: call(role, "stepfunctions", "stop_execution", started, region)
        return description_at_the_end


def install() -> None:
    """Replace moto's task with this one."""
    others = state_task_factory.state_task_service_for
    state_task_factory.state_task_service_for = lambda service_name: (
        StartExecutionTask() if service_name == "states" else others(service_name)
    )
