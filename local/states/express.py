"""Express state machines: StartSyncExecution, and the calls that Step Functions refuses for them.

Recorded on AWS: LocalStack's test_sfn_api_express. moto has no StartSyncExecution, and makes every
state machine of a template a Standard one.
"""

import json
import time
import uuid
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.responses import StepFunctionResponse

from local import clock

EXPRESS = "EXPRESS"
MOST_SECONDS = 300
"""After which AWS ends an Express execution as TIMED_OUT."""

POLL_SECONDS = 0.02


def unsupported() -> JsonRESTError:
    """Return the error of a call that the other type of state machine has."""
    message = "This operation is not supported by this type of state machine"
    return JsonRESTError("StateMachineTypeNotSupported", message)


def check(definition: str) -> None:
    """Raise InvalidDefinition for what an Express state machine cannot do."""

    def look(states: dict[str, Any], path: str) -> None:
        for name, state in states.items():
            resource = str(state.get("Resource", ""))
            for pattern in (".sync:2", ".sync", ".waitForTaskToken"):
                if resource.endswith(pattern):
                    raise JsonRESTError(
                        "InvalidDefinition",
                        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express "
                        f"state machine does not support '{pattern}' service integration at "
                        f"{path}/{name}/Resource'",
                    )
            for branch in state.get("Branches", []):
                look(branch["States"], f"{path}/{name}/Branches")

    look(json.loads(definition)["States"], "/States")


def require_standard(arn: str) -> None:
    """Raise InvalidArn for the ARN of an Express execution, which cannot be looked at later."""
    if arn.split(":")[5] == "express":
        message = "Invalid Arn: 'Resource type not valid in this context: express'"
        raise JsonRESTError("InvalidArn", message)


class KnownExecution(Execution):
    """An execution; that of an Express state machine has an ARN of its own kind."""

    def __init__(self, **given: Any) -> None:
        if given["sm_type"] == EXPRESS:
            arn = given["exec_arn"].replace(":execution:", ":express:", 1)
            given["exec_arn"] = f"{arn}:{uuid.uuid4()}"
        super().__init__(**given)


def run(backend: Any, arn: str, name: str | None, given: str) -> dict[str, Any]:
    """StartSyncExecution: run to the end, at most five minutes; return the answer."""
    if backend.describe_state_machine(arn).sm_type != EXPRESS:
        raise unsupported()
    execution = backend.start_execution(arn, name, given)
    deadline = time.monotonic() + MOST_SECONDS / clock.speed
    while execution.exec_status == "RUNNING":
        if time.monotonic() > deadline:
            execution.exec_worker.env.set_timed_out()
        time.sleep(POLL_SECONDS)
    answer = execution.to_describe_output()
    answer.pop("traceHeader", None)
    return {key: value for key, value in answer.items() if value is not None}


def _start_sync_execution(self: StepFunctionResponse) -> ActionResult:
    arn, name = self._get_param("stateMachineArn"), self._get_param("name")
    given = self._get_param("input", if_none="{}")
    return ActionResult(run(self.stepfunction_backend, arn, name, given))


def install() -> None:
    """Replace moto's rules with these."""
    StepFunctionResponse.start_sync_execution = _start_sync_execution
    parser_models.Execution = KnownExecution
