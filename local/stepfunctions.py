"""Step Functions: state machines that run, their tasks under the state machine's role.

moto can parse and run the states language, but makes state machines that a template deploys run
nowhere, calls every service as the account's owner, and has no SageMaker integration.
"""

import contextlib
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions import models, urls
from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    HistoryEventType,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.fail import state_fail
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local import query_language
from local.aws import client_as

SERVICE = "states.amazonaws.com"
MODELLED_ERRORS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}
"""SageMaker's errors that keep their name; the others are AmazonSageMakerException."""


def call(role_arn: str, api: str, method: str, parameters: dict[str, Any], region: str) -> Any:
    """Call an API with a session of the state machine's role; return its answer as JSON data."""
    client = client_as(role_arn, SERVICE, api, region)
    response = getattr(client, method)(**parameters)
    response.pop("ResponseMetadata", None)
    return json.loads(to_json_str(response))


class AwsSdkTask(aws_sdk.StateTaskServiceAwsSdk):
    """`arn:aws:states:::aws-sdk:SERVICE:ACTION`."""

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        api, method = self._get_boto_service_name(), self._get_boto_service_action()
        region = resource_runtime_part.region
        env.stack.append(
            call(state_credentials.role_arn, api, method, normalised_parameters, region)
        )


class SageMakerTask(StateTaskServiceCallback):
    """`arn:aws:states:::sagemaker:ACTION`; `createTrainingJob.sync` waits for the end."""

    ACTIONS = (
        "createTrainingJob",
        "createModel",
        "createEndpointConfig",
        "createEndpoint",
        "updateEndpoint",
    )

    def __init__(self) -> None:
        # the second is never used, but moto only then sets up what the first one needs
        super().__init__({ResourceCondition.Sync, ResourceCondition.WaitForTaskToken})
        self._stop: Callable[[], Any] = lambda: None

    def _get_supported_parameters(self) -> set[str] | None:
        known = self.resource.api_action in self.ACTIONS
        waits = self.resource.condition is not None
        return set() if known and (not waits or "Job" in self.resource.api_action) else None

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        method, region = self._get_boto_service_action(), resource_runtime_part.region
        role = state_credentials.role_arn
        env.stack.append(call(role, "sagemaker", method, normalised_parameters, region))

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        env.stack.pop()  # the answer of the create call; the description takes its place
        role, region = state_credentials.role_arn, resource_runtime_part.region
        name = {"TrainingJobName": normalised_parameters["TrainingJobName"]}

        def description_at_the_end() -> Any:
            job = call(role, "sagemaker", "describe_training_job", name, region)
            if job["TrainingJobStatus"] == "Completed":
                return job
            if job["TrainingJobStatus"] in ("Failed", "Stopped"):
                raise FailureEventException(
                    self._failure(env, "States.TaskFailed", json.dumps(job))
                )
            return None

        self._stop = lambda: call(role, "sagemaker", "stop_training_job", name, region)
        return description_at_the_end

    def _eval_sync(self, env: Any, **rest: Any) -> Any:
        outcome = super()._eval_sync(env=env, **rest)
        if outcome is None:  # the execution was stopped, or the state's time is over
            with contextlib.suppress(ClientError):
                self._stop()
        return outcome

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        code, message = ex.response["Error"]["Code"], ex.response["Error"]["Message"]
        status = ex.response["ResponseMetadata"]["HTTPStatusCode"]
        name = f"{code}Exception" if code in MODELLED_ERRORS else "AmazonSageMakerException"
        cause = f"{message} (Service: AmazonSageMaker; Status Code: {status}; Error Code: {code})"
        return self._failure(env, f"SageMaker.{name}", cause)

    def _failure(self, env: Any, error: str, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            error=error,
            cause=cause,
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )
        return FailureEvent(
            env=env,
            error_name=ErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )


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


class StepFunctions(StepFunctionsParserBackend):
    """The backend that runs executions, where moto's templates and its API both look."""

    _url_module = urls  # moto looks for one beside the class

    def start_execution(self, state_machine_arn: str, name: str | None, *rest: Any) -> Any:
        """Start an execution; one without a name gets a UUID for a name, which moto omits."""
        return super().start_execution(state_machine_arn, name or str(uuid.uuid4()), *rest)


def install() -> None:
    """Put these rules in the place of moto's."""
    models.stepfunctions_backends.backend = StepFunctions
    of_moto = state_task_factory.state_task_service_for
    tasks = {"aws-sdk": AwsSdkTask, "sagemaker": SageMakerTask}
    state_task_factory.state_task_service_for = lambda service_name: (
        tasks[service_name]() if service_name in tasks else of_moto(service_name)
    )
    # the names by which Step Functions prefixes the errors of an SDK call
    aws_sdk._SERVICE_ERROR_NAMES.update(s3="S3", sagemaker="SageMaker", ssm="Ssm")
    StringJSONata._eval_body = _evaluate_jsonata
    # a Fail state may pass on an error of the language's own, such as States.TaskFailed
    state_fail.CustomErrorName = lambda name: (
        ErrorName(name) if str(name).startswith("States.") else CustomErrorName(name)
    )
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
