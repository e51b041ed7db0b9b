"""What Task states do: SDK calls and SageMaker's jobs, under the state machine's role.

moto calls every service as the account's owner, hands on the names of boto3 where Step Functions
has those of its own, and has no SageMaker integration.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from local.aws import client_as

SERVICE = "states.amazonaws.com"
MODELLED_ERRORS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}
"""SageMaker's errors that keep their name; the others are AmazonSageMakerException."""
BOTO_NAMES = {"sagemakerruntime": "sagemaker-runtime", "sfn": "stepfunctions"}
POLL_SECONDS = 0.2


def _renamed(value: Any, shape: Any, rename: Callable[[str, Any], str]) -> Any:
    """Rename the members of structures, at any depth, but not the keys of maps."""
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        pairs = ((rename(name, shape), item, name) for name, item in value.items())
        members = {member.lower(): part for member, part in shape.members.items()}
        return {to: _renamed(v, members.get(name.lower()), rename) for to, v, name in pairs}
    if shape.type_name == "list" and isinstance(value, list):
        return [_renamed(item, shape.member, rename) for item in value]
    return value


def _as_boto(name: str, shape: Any) -> str:
    return next((member for member in shape.members if member.lower() == name.lower()), name)


def _as_step_functions(name: str, shape: Any) -> str:
    return name[:1].upper() + name[1:]


def call(role_arn: str, api: str, method: str, parameters: dict[str, Any], region: str) -> Any:
    """Call an API with a session of the state machine's role; return its answer as JSON data.

    Members are spelled as Step Functions does, `ExecutionArn`, also where the API says
    `executionArn`; a stream becomes a text.
    """
    client = client_as(role_arn, SERVICE, api, region)
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    response = getattr(client, method)(**_renamed(parameters, operation.input_shape, _as_boto))
    response.pop("ResponseMetadata", None)
    for name, value in response.items():
        if isinstance(value, StreamingBody):
            response[name] = value.read().decode(errors="replace")
    return json.loads(to_json_str(_renamed(response, operation.output_shape, _as_step_functions)))


class TaskUnderTheRole:
    """A task that calls its API with a session of the state machine's role."""

    def _eval_service_task(
        self: Any,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        api = BOTO_NAMES.get(self.resource.api_name, self.resource.api_name)
        method, region = self._get_boto_service_action(), resource_runtime_part.region
        role = state_credentials.role_arn
        env.stack.append(call(role, api, method, normalised_parameters, region))


class AwsSdkTask(TaskUnderTheRole, aws_sdk.StateTaskServiceAwsSdk):
    """`arn:aws:states:::aws-sdk:SERVICE:ACTION`."""


class SageMakerTask(TaskUnderTheRole, callback.StateTaskServiceCallback):
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

    def _eval_sync(self, env: Any, sync_resolver: Callable[[], Any], **_: Any) -> Any:
        # without an endpoint for task tokens, or moto waits for one in a thread, with a time limit
        # that an execution which has been stopped never worked out
        outcome = super()._eval_sync(env, sync_resolver, None, None, None)
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


def install() -> None:
    """Put these tasks in the place of moto's."""
    of_moto = state_task_factory.state_task_service_for
    tasks = {"aws-sdk": AwsSdkTask, "sagemaker": SageMakerTask}
    state_task_factory.state_task_service_for = lambda service_name: (
        tasks[service_name]() if service_name in tasks else of_moto(service_name)
    )
    callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL_SECONDS
    # the names by which Step Functions prefixes the errors of an SDK call
    aws_sdk._SERVICE_ERROR_NAMES.update(
        s3="S3", sagemaker="SageMaker", sagemakerruntime="SageMakerRuntime", ssm="Ssm"
    )
