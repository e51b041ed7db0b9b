"""Deleting a state machine: it stays DELETING until its executions have ended.

"A state machine is deleted only when all its executions are completed. On the next state
transition, the state machine's executions are terminated" (DeleteStateMachine); until then its name
is taken and nothing can be started. CloudFormation waits for the end. moto forgets it at once.
"""

import contextlib
import threading
import time
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.models import StateMachine, stepfunctions_backends
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

POLL_SECONDS = 0.05

_deleting: set[str] = set()  # ARNs


class StateMachineDeletingError(AWSError):
    """StateMachineDeleting, as AWS words it."""

    TYPE = "StateMachineDeleting"
    STATUS = 400

    def __init__(self, arn: str) -> None:
        super().__init__(f"State Machine is being deleted: '{arn}'")


def _refuse(arn: str) -> None:
    if arn in _deleting:
        raise StateMachineDeletingError(arn)


def delete(backend: Any, arn: str) -> None:
    """Begin to delete a state machine; one that is not there is no error."""
    backend._validate_machine_arn(arn)
    machine = next((one for one in backend.state_machines if one.arn == arn), None)
    if machine is None or arn in _deleting:
        return
    _deleting.add(arn)
    if _runs(machine):
        threading.Thread(target=_delete_later, args=(backend, machine), daemon=True).start()
    else:
        _forget(backend, machine)


def _runs(machine: Any) -> bool:
    return any(execution.status == "RUNNING" for execution in machine.executions)


def _delete_later(backend: Any, machine: Any) -> None:
    while _runs(machine):
        time.sleep(POLL_SECONDS)
    _forget(backend, machine)


def _forget(backend: Any, machine: Any) -> None:
    backend.state_machines.remove(machine)
    _deleting.discard(machine.arn)


_create, _start, _update = (
    StepFunctionsParserBackend.create_state_machine,
    StepFunctionsParserBackend.start_execution,
    StepFunctionsParserBackend.update_state_machine,
)
_describe = StepFunctionResponse._describe_state_machine
_enter_state = CommonStateField._eval_body


def _create_unless_deleting(self: Any, name: str, *rest: Any, **more: Any) -> Any:
    arn = next((one.arn for one in self.state_machines if one.name == name), "")
    _refuse(arn)
    return _create(self, name, *rest, **more)


def _start_unless_deleting(self: Any, state_machine_arn: str, *rest: Any, **more: Any) -> Any:
    _refuse(state_machine_arn)
    return _start(self, state_machine_arn, *rest, **more)


def _update_unless_deleting(self: Any, arn: str, *rest: Any, **more: Any) -> Any:
    _refuse(arn)
    return _update(self, arn, *rest, **more)


def _describe_with_status(self: Any, state_machine_arn: str) -> ActionResult:
    answer = _describe(self, state_machine_arn)
    if state_machine_arn in _deleting:
        answer.result["status"] = "DELETING"
    return answer


def _enter_unless_deleting(self: CommonStateField, env: Any) -> None:
    context = env.states.context_object.context_object_data
    if context["StateMachine"]["Id"] in _deleting:
        execution = context["Execution"]["Id"]
        _, _, _, region, account, *_ = execution.split(":")
        stepfunctions_backends[account][region].stop_execution(execution)
        return
    _enter_state(self, env)


def _delete_from_template(
    cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
) -> None:
    backend = stepfunctions_backends[account_id][region_name]
    with contextlib.suppress(AWSError):
        backend.delete_state_machine(resource_name)
    while resource_name in _deleting:
        time.sleep(POLL_SECONDS)


def install() -> None:
    """Replace moto's rules with these."""
    StepFunctionsParserBackend.delete_state_machine = delete
    StepFunctionsParserBackend.create_state_machine = _create_unless_deleting
    StepFunctionsParserBackend.start_execution = _start_unless_deleting
    StepFunctionsParserBackend.update_state_machine = _update_unless_deleting
    StepFunctionResponse._describe_state_machine = _describe_with_status
    CommonStateField._eval_body = _enter_unless_deleting
    StateMachine.delete_from_cloudformation_json = classmethod(_delete_from_template)
