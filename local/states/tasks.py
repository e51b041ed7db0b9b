"""What Task states do: SDK calls and SageMaker's jobs, under the state machine's role.

moto calls every service as the account's owner, hands on the names of boto3 where Step Functions
has those of its own, and has no SageMaker integration.
"""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
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

from local.aws import BOTO_NAMES, client_as, endpoint_url
from local.states.sdk_shapes import UnknownParameterError, to_answer, to_request

SERVICE = "states.amazonaws.com"
MODELLED_ERRORS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}
"""SageMaker's errors that keep their name; the others are AmazonSageMakerException."""
ERROR_PREFIXES = {
    "cloudformation": "CloudFormation",
    "dynamodb": "DynamoDb",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sagemakerruntime": "SageMakerRuntime",
    "scheduler": "Scheduler",
    "sfn": "Sfn",
    "sns": "Sns",
    "ssm": "Ssm",
}
"""The prefixes of an SDK call's errors: the Java SDK's names of the clients."""

HEADLESS = {"headObject": "S3.NoSuchKeyException", "headBucket": "S3.NoSuchBucketException"}
"""A HEAD's 404 has no body that names the error; the Java SDK names it by the operation."""

SESSION_SECONDS = 60
POLL_SECONDS = 0.2


_clients: dict[tuple[str, ...], tuple[float, Any]] = {}
"""(role, API, region, endpoint) -> when it was made, and the client: making one takes longer than
most calls do."""


def client_for(role_arn: str, api: str, region: str) -> Any:
    """Return a client with a session of the role, at most a minute old."""
    key, now = (role_arn, api, region, endpoint_url()), time.monotonic()
    made, client = _clients.get(key, (0.0, None))
    if client is None or now - made > SESSION_SECONDS:
        client = client_as(role_arn, SERVICE, api, region)
        _clients[key] = now, client
    return client


def call(role_arn: str, api: str, method: str, parameters: dict[str, Any], region: str) -> Any:
    """Call an API with a session of the state machine's role; return its answer as JSON data.

    Raises `UnknownParameterError` for a parameter that the API does not have, and botocore's
    errors for what the service answers.
    """
    client = client_for(role_arn, api, region)
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    request = to_request(parameters, operation.input_shape) if operation.input_shape else {}
    if "CopySource" in request:  # which the caller encodes for a URL; boto3 would do so once more
        request["CopySource"] = unquote(request["CopySource"])
    response = getattr(client, method)(**request)
    response.pop("ResponseMetadata", None)
    if "ReturnConsumedCapacity" not in request:  # moto tells unasked
        response.pop("ConsumedCapacity", None)
    return to_answer(response, operation.output_shape)


def task_failure(task: Any, env: Any, error: str, cause: str) -> FailureEvent:
    """Return the failure of a task: its event, and the error that Retry and Catch see."""
    details = TaskFailedEventDetails(
        error=error,
        cause=cause,
        resource=task._get_sfn_resource(),
        resourceType=task._get_sfn_resource_type(),
    )
    return FailureEvent(
        env=env,
        error_name=ErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )


def unanswered(task: Any, env: Any, service: str, error: BotoCoreError) -> FailureEvent:
    """Return the failure of a call whose connection failed: the Java SDK's `SdkClientException`.

    AWS advises to retry `Lambda.SdkClientException` as it does Lambda's own (Developer Guide,
    "Handle transient Lambda service exceptions"); moto takes it for States.Runtime, which no Retry
    matches.
    """
    return task_failure(task, env, f"{service}.SdkClientException", str(error))


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
        try:
            answer = call(role, api, method, normalised_parameters, region)
        except UnknownParameterError as error:
            given = json.dumps(normalised_parameters, separators=(",", ":"))
            raise FailureEventException(
                task_failure(
                    self,
                    env,
                    "States.Runtime",
                    f"The Parameters '{given}' could not be used to start the Task: [{error}]",
                )
            ) from error
        env.stack.append(answer)


class AwsSdkTask(TaskUnderTheRole, aws_sdk.StateTaskServiceAwsSdk):
    """`arn:aws:states:::aws-sdk:SERVICE:ACTION`."""

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        """Name an error as the Java SDK does: one that the service's model lacks, by the service.

        Recorded: `DynamoDb.ResourceNotFoundException`, but `DynamoDb.DynamoDbException`.
        """
        service = self._normalise_service_error_name(self.resource.api_name)
        if isinstance(ex, BotoCoreError):
            return unanswered(self, env, service, ex)
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        about = ex.response["ResponseMetadata"]
        details = {
            "Service": service,
            "Status Code": about["HTTPStatusCode"],
            "Request ID": about.get("RequestId"),
            "Extended Request ID": about.get("HostId"),
        }
        listed = ", ".join(f"{key}: {value}" for key, value in details.items() if value)
        message = ex.response["Error"].get("Message") or "null"
        error = self._normalise_exception_name(service, ex)
        if about["HTTPStatusCode"] == 404 and self.resource.api_action in HEADLESS:
            error, message = HEADLESS[self.resource.api_action], "null"
        return task_failure(self, env, error, f"{message} ({listed})")


class StoppedError(Exception):
    """The task was stopped while it waited."""


def wait_for_end(self: Any, env: Any, sync_resolver: Callable[[], Any], **_: Any) -> Any:
    """Wait for what a `.sync` task has started; stop it when the task is stopped."""
    # without an endpoint for task tokens, or moto waits for one in a thread, with a time limit
    # that an execution which has been stopped never worked out
    outcome = callback.StateTaskServiceCallback._eval_sync(
        self, env, sync_resolver, None, None, None
    )
    if outcome is None:  # the execution or the branch was stopped, or the state's time is over
        with contextlib.suppress(ClientError):
            self._stop()
        raise StoppedError
    return outcome


class SageMakerTask(TaskUnderTheRole, callback.StateTaskServiceCallback):
    """`arn:aws:states:::sagemaker:ACTION`; with `.sync`, `createTrainingJob` waits for the end."""

    ACTIONS = (
        "createTrainingJob",
        "createProcessingJob",
        "createTransformJob",
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
        kind = self.resource.api_action.removeprefix("create")  # such as TrainingJob
        name = {f"{kind}Name": normalised_parameters[f"{kind}Name"]}

        def description_at_the_end() -> Any:
            job = call(role, "sagemaker", xform_name(f"Describe{kind}"), name, region)
            if job[f"{kind}Status"] == "Completed":
                return job
            if job[f"{kind}Status"] in ("Failed", "Stopped"):
                raise FailureEventException(
                    task_failure(self, env, "States.TaskFailed", json.dumps(job))
                )
            return None

        self._stop = lambda: call(role, "sagemaker", xform_name(f"Stop{kind}"), name, region)
        return description_at_the_end

    _eval_sync = wait_for_end

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if isinstance(ex, BotoCoreError):
            return unanswered(self, env, "SageMaker", ex)
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        code, message = ex.response["Error"]["Code"], ex.response["Error"]["Message"]
        status = ex.response["ResponseMetadata"]["HTTPStatusCode"]
        name = f"{code}Exception" if code in MODELLED_ERRORS else "AmazonSageMakerException"
        cause = f"{message} (Service: AmazonSageMaker; Status Code: {status}; Error Code: {code})"
        return task_failure(self, env, f"SageMaker.{name}", cause)


def install() -> None:
    """Replace moto's tasks with these."""
    of_moto = state_task_factory.state_task_service_for
    tasks = {"aws-sdk": AwsSdkTask, "sagemaker": SageMakerTask}
    state_task_factory.state_task_service_for = lambda service_name: (
        tasks[service_name]() if service_name in tasks else of_moto(service_name)
    )
    callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL_SECONDS
    aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_PREFIXES)
