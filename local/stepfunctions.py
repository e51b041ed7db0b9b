"""Step Functions: state machines that run, with JSONata and a clock of their own.

moto can parse and run the states language, but makes state machines that a template deploys run
nowhere. What their tasks do is in tasks.py.
"""

import json
import logging
import uuid
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions import models, urls
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local import (
    data_limits,
    definition_check,
    nested_executions,
    query_language,
    state_errors,
    state_execution,
    state_machine_deletion,
    tasks,
    variables,
)


def _evaluate_jsonata(self: StringJSONata, env: Any) -> None:
    """Evaluate `{% … %}` with the state's data; failing is States.QueryEvaluationError."""
    store = env.variable_store
    known = {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}
    known = json.loads(to_json_str(known))  # moto keeps times and UUIDs as objects
    try:
        env.stack.append(query_language.evaluate(self.expression, known))
    except query_language.QueryError as error:
        raise state_errors.not_evaluated(env, str(error)) from error


_validate_of_moto = StepFunctionsParserBackend._validate_definition


def _validate(definition: str) -> None:
    """Refuse what Step Functions refuses when a state machine is created or changed."""
    _validate_of_moto(definition=definition)
    try:
        definition_check.check(json.loads(definition))
    except definition_check.RefusedError as error:
        raise JsonRESTError("InvalidDefinition", str(error)) from error


class StepFunctions(StepFunctionsParserBackend):
    """The backend that runs executions, where moto's templates and its API both look."""

    _url_module = urls  # moto looks for one beside the class

    def start_execution(self, state_machine_arn: str, name: str | None, *rest: Any) -> Any:
        """Start an execution; one without a name gets a UUID for a name, which moto omits."""
        return super().start_execution(state_machine_arn, name or str(uuid.uuid4()), *rest)


def install() -> None:
    """Put these rules in the place of moto's."""
    models.stepfunctions_backends.backend = StepFunctions
    for part in (
        state_errors,
        data_limits,
        variables,
        state_execution,
        tasks,
        nested_executions,
        state_machine_deletion,
    ):
        part.install()
    StepFunctionsParserBackend._validate_definition = staticmethod(_validate)
    StringJSONata._eval_body = _evaluate_jsonata
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
