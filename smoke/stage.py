"""The stage that the smoke test deploys, under a name of its own, and removes again."""

import json
import secrets
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from smoke import cdk
from smoke.account import Account
from smoke.answers import NotAnsweredError

BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
POLL_SECONDS = 2
NEVER_ASK = ("--require-approval", "never")
SETTINGS = ("retain_data=false", "spot_wait_minutes=5")


class Stage:
    """A stack `SoundVae-smoke-<4 hex>`, seen through the APIs that a user has."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client = account.client
        self.name = f"smoke-{secrets.token_hex(2)}"
        self.stack = f"SoundVae-{self.name}"
        self.outputs: dict[str, str] = {}
        self.deployed_at: datetime | None = None
        self.looks: list[str] = []  # a sentence for each look at endpoint and record that differed
        self.looked = 0
        self._folder = tempfile.TemporaryDirectory(prefix="sound-vae-smoke-")
        self.folder = Path(self._folder.name)

    def bootstrap(self) -> bool:
        """Make what every CDK app needs in an account and region; tell whether it was missing."""
        try:
            self.client("ssm").get_parameter(Name=BOOTSTRAP_VERSION)
        except self.client("ssm").exceptions.ParameterNotFound:
            where = f"aws://{self.account.number}/{self.account.region}"
            # in a folder without an app, or it would be synthesised for nothing
            cdk.run("bootstrap", where, folder=self.folder)
            return True
        return False

    def synth(self, assembly: str, *settings: str) -> Path:
        """Write a cloud assembly for the stage with these settings, `name=value`."""
        folder = self.folder / assembly
        chosen = (f"name={self.name}", *SETTINGS, *settings)
        context = [part for one in chosen for part in ("--context", f"sound-vae:{one}")]
        cdk.run("synth", "--quiet", "--output", str(folder), *context)
        return folder

    def deploy(self, assembly: Path) -> None:
        """Deploy it."""
        cdk.run("deploy", self.stack, "--app", str(assembly), *NEVER_ASK)
        self.deployed_at = datetime.now(UTC)
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}

    def prepare(self, change: str, *settings: str) -> str:
        """Create a change set without executing it; return its name, which is `change`."""
        assembly = self.synth(change, *settings)
        prepared = ("--method", "prepare-change-set", "--change-set-name", change)
        cdk.run("deploy", self.stack, "--app", str(assembly), *NEVER_ASK, *prepared)
        return change

    def carry_out(self, change: str) -> str:
        """Execute a change set; return the reasons if it fails, "" if it succeeds."""
        began = datetime.now(UTC)
        self.client("cloudformation").execute_change_set(StackName=self.stack, ChangeSetName=change)
        if self.settled() == "UPDATE_COMPLETE":
            return ""
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in self.events()
            if event["Timestamp"] >= began
            and event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED")
        ]
        return "; ".join([self.status(), *reasons])

    def output(self, name: str) -> str:
        """Return an output of the stack; raises `NotAnsweredError` if there is no stack."""
        if name not in self.outputs:
            raise NotAnsweredError("the stage was not deployed")
        return self.outputs[name]

    def status(self) -> str:
        """Return the stack's status, "" if there is no such stack."""
        try:
            found = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return ""
            raise
        return str(found[0]["StackStatus"])

    def settled(self) -> str:
        """Wait until no change of the stack is under way; return its status."""
        # REVIEW: of a change set that nobody carried out
        while (status := self.status()).endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            time.sleep(POLL_SECONDS)
        return status

    def destroy(self) -> None:
        """Remove the stack, as soon as no change of it is under way."""
        if self.settled():
            assembly = next(self.folder.glob("*/manifest.json")).parent
            cdk.run("destroy", self.stack, "--app", str(assembly), "--force")

    def by_hand(self) -> str:
        """Say how to remove what this program could not."""
        return (
            f"delete the stack {self.stack} in the CloudFormation console of {self.account.region}."
        )

    def resources(self, kind: str) -> list[str]:
        """Return the physical ids of the stack's resources of a type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return [
            resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.stack)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind
        ]

    def events(self) -> list[dict[str, Any]]:
        """Return the stack's events, oldest first."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events")
        found = [
            event for page in pages.paginate(StackName=self.stack) for event in page["StackEvents"]
        ]
        return sorted(found, key=lambda event: event["Timestamp"])

    def upload(self, key: str, body: bytes) -> None:
        """Put an object into the bucket."""
        self.client("s3").put_object(Bucket=self.output("BucketName"), Key=key, Body=body)

    def start(self, request: dict[str, Any]) -> str:
        """Start an execution; return its ARN."""
        execution = self.client("stepfunctions").start_execution(
            stateMachineArn=self.output("StateMachineArn"), input=json.dumps(request)
        )
        return str(execution["executionArn"])

    def endpoint(self) -> dict[str, Any]:
        """Return DescribeEndpoint's answer."""
        name = self.output("EndpointName")
        answer: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=name)
        return answer

    def served(self) -> str:
        """Return the URL of the model that the endpoint's config names."""
        api = self.client("sagemaker")
        config = api.describe_endpoint_config(
            EndpointConfigName=self.endpoint()["EndpointConfigName"]
        )
        model = api.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        return str(model["PrimaryContainer"]["ModelDataUrl"])

    def recorded(self) -> str:
        """Return the URL of the model that the stack says is served."""
        name = self.output("ServedModelParameter")
        return str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    def look(self, when: str) -> None:
        """Compare what the endpoint serves with what is recorded; remember if they differ."""
        served, recorded, status = self.served(), self.recorded(), self.endpoint()["EndpointStatus"]
        self.looked += 1
        if served != recorded or status != "InService":
            self.looks.append(f"{when}: {status}, serves {served}, recorded is {recorded}")

    def invoke(self, request: dict[str, Any], accept: str) -> tuple[str, bytes]:
        """Ask the endpoint; return content type and body. Raises botocore's ClientError."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.output("EndpointName"),
            ContentType="application/json",
            Accept=accept,
            Body=json.dumps(request),
        )
        return answer["ContentType"], answer["Body"].read()

    def log_groups(self) -> Iterable[str]:
        """Yield the log groups whose names tell that they are this stage's."""
        pages = self.client("logs").get_paginator("describe_log_groups")
        for page in pages.paginate():
            for group in page["logGroups"]:
                name: str = group["logGroupName"]
                if self.name in name:
                    yield name
