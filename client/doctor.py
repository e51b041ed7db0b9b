"""What a run needs, looked at one after the other: each with what to do about it.

Nothing is changed, and nothing costs anything.
"""

import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from client import cdk
from client.failure import Failure, in_one_sentence
from client.stack import Connection, Stack

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([\w-]+)\.[\w.]+/([\w./-]+):([\w.-]+)")
QUOTAS = "in the Service Quotas console, under Amazon SageMaker"


@dataclass(frozen=True)
class Finding:
    """What one look has shown."""

    what: str
    well: bool | None  # None: it could not be found out
    said: str

    def to_json(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)


Look = Callable[[Connection, Stack], tuple[bool, str]]


def examine(connection: Connection) -> Iterator[Finding]:
    """Look at everything; without credentials or stack the rest is left out."""
    identity = yield from _found("credentials", partial(_credentials, connection))
    if not identity:
        return
    yield from _found("the CDK's own stack", partial(_bootstrap, connection))
    yield from _found("quotas", partial(_quotas, connection))
    stack: list[Stack] = []

    def find() -> tuple[bool, str]:
        stack.append(Stack.find(connection))
        return True, stack[0].stack_name

    yield from _found("the stack", find)
    if not stack:
        return
    looks: dict[str, Look] = {
        "sounds": _sounds,
        "endpoint": _endpoint,
        "images": _images,
        "mails": _mails,
    }
    for what, look in looks.items():
        yield from _found(what, partial(look, connection, stack[0]))


def _found(what: str, look: Callable[[], tuple[bool, str]]) -> Generator[Finding, None, bool]:
    try:
        with in_one_sentence():
            well, said = look()
        yield Finding(what, well, said)
        return well
    except Failure as failure:
        refused = str(failure).startswith("AWS refused")
        yield Finding(what, None if refused else False, str(failure))
        return False


def _credentials(connection: Connection) -> tuple[bool, str]:
    who = connection.client("sts").get_caller_identity()
    return True, f"account {who['Account']}, {who['Arn']}, {connection.session.region_name}"


def _bootstrap(connection: Connection) -> tuple[bool, str]:
    ssm = connection.client("ssm")
    try:
        version = ssm.get_parameter(Name=cdk.BOOTSTRAP_VERSION)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return False, "There is none yet: `soundvae deploy` makes it."
    return True, f"version {version}"


def _quotas(connection: Connection) -> tuple[bool, str]:
    settings = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    kinds = settings["sound-vae:instance_types"]
    pages = connection.client("service-quotas").get_paginator("list_service_quotas")
    quotas = {
        quota["QuotaName"]: quota["Value"]
        for page in pages.paginate(ServiceCode="sagemaker")
        for quota in page["Quotas"]
    }
    said, well = [], False
    for usage in ("training job usage", "spot training job usage"):
        have = {kind: quotas.get(f"{kind} for {usage}", 0) for kind in kinds}
        listed = ", ".join(f"{number:g} {kind}" for kind, number in have.items())
        enough = max(have.values()) >= 1
        well |= enough
        ask = "" if enough else f" (ask for one {kinds[0]} for {usage} {QUOTAS})"
        said.append(f"{usage}: {listed}{ask}")
    return well, "; ".join(said)


def _sounds(connection: Connection, stack: Stack) -> tuple[bool, str]:
    page = connection.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix="audio/")
    if not page["KeyCount"]:
        return False, "None was uploaded yet: `soundvae upload FOLDER`."
    more = " and more" if page["IsTruncated"] else ""
    return True, f"{page['KeyCount']}{more} in s3://{stack.bucket}/audio/"


def _endpoint(connection: Connection, stack: Stack) -> tuple[bool, str]:
    said = connection.client("sagemaker").describe_endpoint(EndpointName=stack.endpoint)
    well = said["EndpointStatus"] == "InService"
    return well, f"{said['EndpointStatus']} {said.get('FailureReason', '')}".strip()


def _images(connection: Connection, stack: Stack) -> tuple[bool, str]:
    definition = connection.client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.state_machine
    )["definition"]
    found = sorted(set(IMAGE.findall(definition)))
    for account, region, repository, tag in found:
        # the registries are AWS's own accounts, which let others pull and no more
        answer = connection.session.client("ecr", region_name=region).batch_get_image(
            registryId=account, repositoryName=repository, imageIds=[{"imageTag": tag}]
        )
        if not answer["images"]:
            return False, f"{repository}:{tag} is gone: set training_image and serving_image."
    return True, ", ".join(f"{repository}:{tag}" for _, _, repository, tag in found)


def _mails(connection: Connection, stack: Stack) -> tuple[bool, str]:
    resources = connection.client("cloudformation").describe_stack_resources(
        StackName=stack.stack_name
    )["StackResources"]
    topics = [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::SNS::Topic"]
    waiting: list[str] = []
    told: list[str] = []
    for topic in topics:
        page = connection.client("sns").list_subscriptions_by_topic(TopicArn=topic)
        for one in page["Subscriptions"]:
            confirmed = one["SubscriptionArn"].startswith("arn:")
            (told if confirmed else waiting).append(one["Endpoint"])
    if waiting:
        return False, f"Confirm the subscription in the mail that AWS has sent to {waiting[0]}."
    return True, f"to {told[0]}" if told else "nobody asked for them (setting alarm_email)"
