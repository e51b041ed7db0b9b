"""Step Functions: state machines that run, with JSONata and a clock of their own.

moto can parse and run the states language, but makes state machines that a template deploys run
nowhere. What their tasks do is in tasks.py.
"""

import json
import logging
import uuid
from typing import Any

import yaml
from moto.core.exceptions import JsonRESTError
from moto.s3.models import s3_backends
from moto.stepfunctions import models, urls
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.states import (
    data_limits,
    definition_check,
    express,
    nested_executions,
    parsed_definitions,
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

    def create_state_machine(self, *args: Any, sm_type: str | None = None, **more: Any) -> Any:
        """Create a state machine; an Express one has less in its definition."""
        if sm_type == express.EXPRESS:
            express.check(more["definition"] if "definition" in more else args[1])
        machine = super().create_state_machine(*args, sm_type=sm_type, **more)
        machine.sm_type = machine.type
        return machine

    def start_execution(self, state_machine_arn: str, name: str | None, *rest: Any) -> Any:
        """Start an execution; one without a name gets a UUID for a name, which moto omits."""
        return super().start_execution(state_machine_arn, name or str(uuid.uuid4()), *rest)

    def list_executions(self, state_machine_arn: str, *rest: Any, **more: Any) -> Any:
        """List the executions of a Standard state machine."""
        if self.describe_state_machine(state_machine_arn).sm_type == express.EXPRESS:
            raise express.unsupported()
        return super().list_executions(state_machine_arn, *rest, **more)

    def describe_execution(self, execution_arn: str) -> Any:
        """Describe an execution of a Standard state machine."""
        express.require_standard(execution_arn)
        return super().describe_execution(execution_arn)

    def stop_execution(self, execution_arn: str, *rest: Any, **more: Any) -> Any:
        """Stop an execution of a Standard state machine."""
        express.require_standard(execution_arn)
        return super().stop_execution(execution_arn, *rest, **more)


def _definition(properties: dict[str, Any], account: str) -> str:
    """Return the definition that a template gives, as a text or in S3, with its substitutions."""
    text = properties.get("DefinitionString")
    if text is None and "DefinitionS3Location" in properties:
        where = properties["DefinitionS3Location"]
        text = s3_backends[account]["aws"].get_object(where["Bucket"], where["Key"]).value.decode()
    if text is None:
        text = json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return text if text.lstrip().startswith("{") else json.dumps(yaml.safe_load(text))


def _create_from_template(
    cls: Any, name: str, template: Any, account_id: str, region_name: str, **_: Any
) -> Any:
    properties = template["Properties"]
    return models.stepfunctions_backends[account_id][region_name].create_state_machine(
        properties.get("StateMachineName", name),
        _definition(properties, account_id),
        properties["RoleArn"],
        tags=models.cfn_to_api_tags(properties.get("Tags", [])),
        sm_type=properties.get("StateMachineType"),
    )


_update_of_moto = models.StateMachine.update_from_cloudformation_json.__func__


def _update_from_template(cls: Any, *args: Any, cloudformation_json: Any, **more: Any) -> Any:
    account = more.get("account_id", "")
    properties = dict(cloudformation_json["Properties"])
    properties["DefinitionString"] = _definition(properties, account)
    changed = {**cloudformation_json, "Properties": properties}
    return _update_of_moto(cls, *args, cloudformation_json=changed, **more)


def install() -> None:
    """Replace moto's rules with these."""
    models.stepfunctions_backends.backend = StepFunctions
    for part in (
        state_errors,
        data_limits,
        variables,
        state_execution,
        tasks,
        nested_executions,
        state_machine_deletion,
        express,
        parsed_definitions,
    ):
        part.install()
    StepFunctionsParserBackend._validate_definition = staticmethod(_validate)
    models.StateMachine.create_from_cloudformation_json = classmethod(_create_from_template)
    models.StateMachine.update_from_cloudformation_json = classmethod(_update_from_template)
    StringJSONata._eval_body = _evaluate_jsonata
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
