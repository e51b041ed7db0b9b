"""Errors of the states language: how a state fails, and which Retry and Catch match.

moto lets States.ALL match everything, takes only names without "States." for what a task raises,
and turns the error of a branch into States.Runtime where its name begins with "States.".
"""

from typing import Any

from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    ExecutionFailedEventDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.fail import state_fail
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

RUNTIME = "States.Runtime"
TOO_LARGE = "States.DataLimitExceeded"
CANNOT_EVALUATE = "States.QueryEvaluationError"


def is_matched(error: str | None, listed: list[str]) -> bool:
    """Tell whether `ErrorEquals` with these names matches an error, as AWS documents.

    States.Runtime "will always cause the execution to fail", even where a Catch names it (recorded:
    LocalStack's test_catch_states_runtime). States.ALL "can't catch the States.DataLimitExceeded
    terminal error": a recording of 2024 shows otherwise for the result of a task
    (test_..._catch_state_all_data_limit_exceeded...), so a definition does well to name both.
    States.TaskFailed is "a wildcard that matches any known error name except for States.Timeout".
    """
    if error == RUNTIME:
        return False
    if error in listed:
        return True
    if error == TOO_LARGE:
        return False
    return "States.ALL" in listed or ("States.TaskFailed" in listed and error != "States.Timeout")


def _error_equals(self: ErrorEqualsDecl, env: Any) -> None:
    error = env.stack.pop()
    name = error.error_name if error is not None else None
    env.stack.append(is_matched(name, [listed.error_name for listed in self.error_names]))


def failed(env: Any, error: str | None, cause: str | None = None) -> FailureEventException:
    """Return the failure of the state that `env` is in, to be raised."""
    details = ExecutionFailedEventDetails()
    if error:
        details["error"] = error
    if cause:
        details["cause"] = cause
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=ErrorName(error),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=EventDetails(executionFailedEventDetails=details),
        )
    )


def not_evaluated(env: Any, message: str) -> FailureEventException:
    """Return a States.QueryEvaluationError; its cause names the state, as recorded on AWS."""
    state, event = env.next_state_name, env.event_history_context.source_event_id
    where = f"An error occurred while executing the state '{state}' (entered at the event id #"
    details = EvaluationFailedEventDetails(
        error=CANNOT_EVALUATE, cause=f"{where}{event}). {message}", state=state
    )
    event_details = EventDetails(evaluationFailedEventDetails=details)
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=event_details,
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=ErrorName(CANNOT_EVALUATE),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=event_details,
        )
    )


_details_of_moto = FailureEventException.get_execution_failed_event_details


def _execution_failed_details(self: FailureEventException) -> Any:
    """Name the state in the cause once, not again for every block around it."""
    pair = self.extract_error_cause_pair()
    if pair is None or not (pair[1] or "").startswith("An error occurred while executing the"):
        return _details_of_moto(self)
    return ExecutionFailedEventDetails(error=pair[0], cause=pair[1])


def install() -> None:
    """Replace moto's rules with these."""
    ErrorEqualsDecl._eval_body = _error_equals
    FailureEventException.get_execution_failed_event_details = _execution_failed_details
    # a Fail state may pass on an error of the language's own, such as States.TaskFailed
    state_fail.CustomErrorName = lambda name: (
        ErrorName(name) if str(name).startswith("States.") else CustomErrorName(name)
    )
