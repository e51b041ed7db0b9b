"""Step Functions: state machines that run, with JSONata and a clock of their own.

moto can parse and run the states language, but makes state machines that a template deploys run
nowhere. What their tasks do is in tasks.py.
"""

import json
import logging
import types
import uuid
from typing import Any

from moto.stepfunctions import models, urls
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.fail import state_fail
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local import clock, query_language, state_machine_deletion, tasks


def _evaluate_jsonata(self: StringJSONata, env: Any) -> None:
    """Evaluate `{% … %}` with the state's data; failing is States.QueryEvaluationError."""
    store = env.variable_store
    variables = {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}
    variables = json.loads(to_json_str(variables))  # moto keeps times and UUIDs as objects
    try:
        env.stack.append(query_language.evaluate(self.expression, variables))
    except query_language.QueryError as error:
        name = "States.QueryEvaluationError"
        details = EvaluationFailedEventDetails(error=name, cause=str(error))
        event = EventDetails(evaluationFailedEventDetails=details)
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=event,
        )
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=ErrorName(name),
                event_type=HistoryEventType.EvaluationFailed,
                event_details=event,
            )
        ) from error


def _wait(self: WaitFunction, env: Any, wait_seconds: float) -> None:
    clock.wait(wait_seconds, env.program_state_event, lambda: not env.is_running())


class StepFunctions(StepFunctionsParserBackend):
    """The backend that runs executions, where moto's templates and its API both look."""

    _url_module = urls  # moto looks for one beside the class

    def start_execution(self, state_machine_arn: str, name: str | None, *rest: Any) -> Any:
        """Start an execution; one without a name gets a UUID for a name, which moto omits."""
        return super().start_execution(state_machine_arn, name or str(uuid.uuid4()), *rest)


def install() -> None:
    """Put these rules in the place of moto's."""
    models.stepfunctions_backends.backend = StepFunctions
    tasks.install()
    state_machine_deletion.install()
    StringJSONata._eval_body = _evaluate_jsonata
    WaitFunction._wait_interval = _wait
    retrier_decl.time = types.SimpleNamespace(sleep=clock.sleep)
    # a Fail state may pass on an error of the language's own, such as States.TaskFailed
    state_fail.CustomErrorName = lambda name: (
        ErrorName(name) if str(name).startswith("States.") else CustomErrorName(name)
    )
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
