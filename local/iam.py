"""IAM: whether a role may make a call, decided as on AWS by Action, Resource and Condition.

moto's own enforcement checks every JSON service against the resource `*`, knows neither PassRole
nor the source of a CopyObject, and does not ask for the KMS key of an object. Only sessions of
roles are checked here: the person at the keyboard owns the account. The roles of the CDK's
bootstrap (`cdk-*`) may do everything.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from botocore import xform_name
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.iam import models as iam_models
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.sts.models import sts_backends

from local.policies import Statement, as_list, decide


class NotTrustedError(Exception):
    """A service wanted to assume a role whose trust policy does not name it."""


class Call(NamedTuple):
    """What a role wanted to do."""

    role: str
    action: str
    resource: str


DENIED: list[Call] = []
"""Every call since the start that the deployed policies did not allow."""

ALLOWED: set[Call] = set()
"""What they did allow."""


def _role(role_arn: str) -> Any:
    account = role_arn.split(":")[4]
    return iam_backends[account]["aws"].get_role_by_arn(role_arn)


def statements_of(role_arn: str) -> list[Statement]:
    """Return the statements of a role's inline and attached policies."""
    account, role = role_arn.split(":")[4], _role(role_arn)
    backend = iam_backends[account]["aws"]
    documents = [
        backend.get_role_policy(role.name, n)[1] for n in backend.list_role_policies(role.name)
    ]
    for policy in backend.list_attached_role_policies(role.name)[0]:
        documents.append(next(v.document for v in policy.versions if v.is_default))
    return [s for document in documents for s in as_list(json.loads(document)["Statement"])]


def assume_role(role_arn: str, service: str, region: str) -> Any:
    """Return a session of the role for a service principal such as `sagemaker.amazonaws.com`.

    Raises `NotTrustedError` if the role's trust policy does not allow it (moto never looks).
    """
    account = role_arn.split(":")[4]
    trust = json.loads(_role(role_arn).assume_role_policy_document)
    statements = [
        s
        for s in as_list(trust["Statement"])
        if service in as_list(s.get("Principal", {}).get("Service", []))
    ]
    context = {"aws:SourceAccount": account, "aws:PrincipalIsAWSService": "true"}
    # aws:SourceArn names a job or endpoint that need not exist yet, so any of this account will do
    context["aws:SourceArn"] = f"arn:aws:{service.split('.')[0]}:{region}:{account}:*"
    if decide(statements, "sts:AssumeRole", role_arn, context) is not PermissionResult.PERMITTED:
        raise NotTrustedError(f"The role {role_arn} does not let {service} assume it.")
    return sts_backends[account]["aws"].assume_role(
        region_name=region,
        role_session_name=service.split(".")[0],
        role_arn=role_arn,
        policy="",
        duration=3600,
        external_id="",
    )


VERBS = ("Create", "Describe", "Delete", "Stop", "Update")


def _sagemaker_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    kind = action.removeprefix(next((v for v in VERBS if action.startswith(v)), ""))
    kinds = [kind, "EndpointConfig"] if action in ("CreateEndpoint", "UpdateEndpoint") else [kind]
    names = {kind: parameters.get(f"{kind}Name") for kind in kinds}
    return [f"{xform_name(kind, '-')}/{name}" for kind, name in names.items() if name]


def _logs_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    group, stream = parameters.get("logGroupName"), parameters.get("logStreamName", "")
    return [f"log-group:{group}:log-stream:{stream}"] if group else []


def _states_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    arn = parameters.get("executionArn") or parameters.get("stateMachineArn") or ""
    return [arn.split(":", 5)[5]] if arn else []


def _ssm_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    return [f"parameter/{parameters['Name'].lstrip('/')}"] if "Name" in parameters else []


def _dynamodb_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    table = parameters.get("TableName", "").rpartition("/")[2]  # a name or an ARN
    index = f"/index/{parameters['IndexName']}" if parameters.get("IndexName") else ""
    return [f"table/{table}{index}"] if table else []


def _cloudformation_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    stack = parameters.get("StackName", "")  # a name or an ARN, which ends in an id
    return [stack.split(":", 5)[5] if ":" in stack else f"stack/{stack}/id"] if stack else []


def _sns_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    topic = parameters.get("TopicArn") or parameters.get("TargetArn") or ""
    return [topic.rpartition(":")[2]] if topic else []


def _events_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    if action == "PutEvents":
        return [f"event-bus/{e.get('EventBusName', 'default')}" for e in parameters["Entries"]]
    return [f"rule/{parameters['Name']}"] if "Name" in parameters else []


def _scheduler_resources(action: str, parameters: Mapping[str, Any]) -> list[str]:
    group = parameters.get("GroupName") or parameters.get("groupName") or "default"
    return [f"schedule/{group}/{parameters['Name']}"] if action in SCHEDULE else []


SCHEDULE = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
RESOURCES: dict[str, Callable[[str, Mapping[str, Any]], list[str]]] = {
    "cloudformation": _cloudformation_resources,
    "dynamodb": _dynamodb_resources,
    "events": _events_resources,
    "logs": _logs_resources,
    "sagemaker": _sagemaker_resources,
    "scheduler": _scheduler_resources,
    "sns": _sns_resources,
    "ssm": _ssm_resources,
    "states": _states_resources,
}


def resource_arns(
    service: str, action: str, parameters: Mapping[str, Any], region: str, account: str
) -> list[str]:
    """Return the ARNs that a call is about, `*` where it is about none."""
    names = RESOURCES[service](action, parameters) if service in RESOURCES else []
    return [f"arn:aws:{service}:{region}:{account}:{name}" for name in names] or ["*"]


def use_of_key(action: str, object_arn: str, account: str) -> tuple[str, str] | None:
    """Return action and ARN of the KMS key without which `action` on an object is refused."""
    bucket_name, _, key = object_arn.rpartition(":")[2].partition("/")
    bucket = s3_backends[account]["aws"].buckets.get(bucket_name)
    if bucket is None:
        return None
    if action == "s3:GetObject":
        found = bucket.keys.get(key)
        arn = getattr(found, "kms_key_id", None)
        return ("kms:Decrypt", arn) if arn else None
    if action == "s3:PutObject" and bucket.encryption:
        default = bucket.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
        arn = default.get("KMSMasterKeyID")
        return ("kms:GenerateDataKey", arn) if arn else None
    return None


class RoleRequest:
    """One HTTP request, signed by a session of a role, that may need several permissions."""

    def __init__(self, response: Any, request: Any) -> None:
        self.response = response
        self.key = request._access_key
        self.role = self.key._owner_role_name
        self.account = response.current_account
        self.role_arn = f"arn:aws:iam::{self.account}:role/{self.role}"
        self.query = query = {
            k: v[0] if isinstance(v, list) else v for k, v in response.querystring.items()
        }
        self.context = {
            "aws:SecureTransport": "true",
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalArn": self.role_arn,
            "aws:ResourceAccount": self.account,
            "aws:RequestedRegion": response.region,
            **{f"s3:{k}": query[k] for k in ("prefix", "delimiter") if k in query},
        }

    def require(self, action: str, resource: str, **context: str) -> None:
        """Raise the service's access-denied error unless the role's policies allow the call."""
        statements = statements_of(self.role_arn)
        wanted = Call(self.role, action, resource)
        decision = decide(statements, action, resource, self.context | context)
        if decision is PermissionResult.PERMITTED:
            ALLOWED.add(wanted)
            return
        DENIED.append(wanted)
        # moto would answer XML to every client, which the JSON ones cannot read
        raise JsonRESTError(
            "AccessDeniedException",
            f"User: {self.key.arn} is not authorized to perform: {action} on resource: {resource}",
        )

    def require_object(self, action: str, object_arn: str) -> None:
        """Require `action` on an object in S3, and the use of its KMS key if it has one."""
        self.require(action, object_arn)
        if key := use_of_key(action, object_arn, self.account):
            self.require(*key)


def _authorize(self: Any, iam_request_class: type, resource: str = "*") -> None:
    """Check one request, in place of moto; `resource` is what moto takes it to be about."""
    headers = {name.lower(): value for name, value in self.headers.items()}
    if "x-amz-security-token" not in headers or "Credential=" not in headers.get(
        "authorization", ""
    ):
        return
    request = iam_request_class(
        account_id=self.current_account,
        method=self.method,
        path=self.raw_path,
        data=self.data,
        body=self.raw_body,
        headers=dict(self.headers),
        action=self._get_action(),
    )
    if not hasattr(request._access_key, "_owner_role_name"):
        return
    call = RoleRequest(self, request)
    service, _, operation = request._action.partition(":")
    if call.role.startswith("cdk-") or operation == "GetCallerIdentity":
        return
    try:
        if service == "s3":
            renamed = {"HeadObject": "GetObject", "HeadBucket": "ListBucket"}
            listing = {"ListObjectsV2": "ListBucket", "ListObjects": "ListBucket"}
            operation = (renamed | listing).get(operation, operation)
            source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/")
            if source:
                call.require_object("s3:GetObject", f"arn:aws:s3:::{source.partition('?')[0]}")
                operation = "PutObject" if operation == "CopyObject" else operation
            call.require_object(f"s3:{operation}", resource)
            return
        _require_json(call, service, operation, resource)
    except JsonRESTError:
        if "json" in headers.get("content-type", ""):
            raise
        request._raise_access_denied()


def _require_json(call: RoleRequest, service: str, operation: str, resource: str) -> None:
    parameters = call.query | _parameters(call.response.raw_body)
    if service == "scheduler":  # a name is in the path, and not in the body
        parameters["Name"] = call.response.raw_path.rpartition("/")[2]
    resources = [resource]
    if resource == "*":  # moto does not know better for most services
        where = (call.response.region, call.account)
        resources = resource_arns(service, operation, parameters, *where)
    for arn in resources:
        call.require(f"{service}:{operation}", arn)
    if service == "sagemaker" and parameters.get("Tags"):
        call.require("sagemaker:AddTags", resources[0])
    if passed_role := _passed_role(service, parameters):
        to_service = {"iam:PassedToService": f"{service}.amazonaws.com"}
        call.require("iam:PassRole", passed_role, **to_service)


def _passed_role(service: str, parameters: Mapping[str, Any]) -> str | None:
    if service == "scheduler":
        return dict(parameters.get("Target") or {}).get("RoleArn")
    if service == "sagemaker":
        return parameters.get("RoleArn") or parameters.get("ExecutionRoleArn")
    return None


def _parameters(body: bytes | str) -> dict[str, Any]:
    try:
        parameters = json.loads(body or "{}")
    except ValueError:  # not a JSON service
        return {}
    return parameters if isinstance(parameters, dict) else {}


def _bucket_permission(self: Any, action: str, resource: str) -> PermissionResult:
    """Evaluate a bucket's policy; moto treats a statement whose Condition fails as a Deny."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    statements = [
        s
        for s in as_list(json.loads(self.policy)["Statement"])
        if s.get("Principal") in ("*", {"AWS": "*"})
    ]
    return decide(statements, action, resource, {"aws:SecureTransport": "true"})


def install() -> None:
    """Replace moto's rules with these."""
    iam_models.PARTITION_NAMES = ["aws"]  # in each moto would load all of AWS's policies anew
    ActionAuthenticatorMixin._authenticate_and_authorize_action = _authorize
    FakeBucket.get_permission = _bucket_permission
