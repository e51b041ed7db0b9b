"""Deploy the product's stack onto the stand-in without the CDK's command line, in a second."""

import contextlib
import io
import json
import tarfile
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.local.waiting import until

REPOSITORY = Path(__file__).parents[2]
STACK = "SoundVae"
ACCOUNT, REGION = "123456789012", "us-east-1"
Client = Callable[[str], Any]  # by the name of the API
Execute = Callable[..., dict[str, Any]]
MakeRole = Callable[..., str]
ASSETS_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"


def bootstrap(client: Client) -> None:
    """Make what a deployed stack needs of `cdk bootstrap`."""
    with contextlib.suppress(ClientError):  # there already
        client("s3").create_bucket(Bucket=ASSETS_BUCKET)
    version = {"Name": BOOTSTRAP_VERSION, "Value": "30", "Type": "String"}
    client("ssm").put_parameter(**version, Overwrite=True)


def deploy(assembly: Path, client: Client, stack: str = STACK) -> dict[str, str]:
    """Publish the assembly's assets, create or update the stack; return its outputs."""
    s3, cloudformation = client("s3"), client("cloudformation")
    assets = json.loads((assembly / f"{stack}.assets.json").read_text())["files"].values()
    for asset in assets:
        source = assembly / asset["source"]["path"]
        body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
        for destination in asset["destinations"].values():
            s3.put_object(Bucket=ASSETS_BUCKET, Key=destination["objectKey"], Body=body)
    template = (assembly / f"{stack}.template.json").read_text()
    names = [known["StackName"] for known in cloudformation.describe_stacks()["Stacks"]]
    change = cloudformation.update_stack if stack in names else cloudformation.create_stack
    try:
        change(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
    status = settled(client, stack)
    assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), why(client, stack)
    return outputs(client, stack)


def settled(client: Client, stack: str) -> str:
    """Wait until no change of the stack runs any more; return its status, "" if it is gone."""

    def status() -> str:
        found = client("cloudformation").describe_stacks()["Stacks"]
        return next((s["StackStatus"] for s in found if s["StackName"] == stack), "")

    def changes() -> bool:
        now = status()
        return now.endswith("_IN_PROGRESS") and now != "REVIEW_IN_PROGRESS"

    until(lambda: not changes())
    return status()


def why(client: Client, stack: str) -> str:
    """Return the reasons that the stack's events give, newest first."""
    events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return " | ".join(e["ResourceStatusReason"] for e in events if e.get("ResourceStatusReason"))


def outputs(client: Client, stack: str = STACK) -> dict[str, str]:
    """Return the outputs of the deployed stack."""
    found = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


class Deployed:
    """The deployed stack, seen through the APIs that a user has."""

    def __init__(self, client: Client, assembly: Path, stack: str = STACK) -> None:
        self.client = client
        self.assembly = assembly
        self.stack = stack
        self.outputs = outputs(client, stack)
        self.bucket = self.outputs["BucketName"]
        # what everything that executions make is called after
        self.name = self.outputs["ServedModelParameter"].split("/")[1]

    @property
    def endpoint(self) -> str:
        """The name of the endpoint; a deployment may have made another."""
        return outputs(self.client, self.stack)["EndpointName"]

    def start(self, request: dict[str, Any]) -> str:
        return self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], input=json.dumps(request)
        )["executionArn"]

    def finish(self, execution: str) -> dict[str, Any]:
        """Wait for the execution's end; return DescribeExecution's answer."""

        def answer() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(
                executionArn=execution
            )
            return None if found["status"] == "RUNNING" else found

        return until(answer)

    def assert_running(self, execution: str) -> None:
        """AssertionError once the execution has ended."""
        answer = self.client("stepfunctions").describe_execution(executionArn=execution)
        assert answer["status"] == "RUNNING", answer

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run an execution that is to succeed; return its output."""
        answer = self.finish(self.start(request))
        assert answer["status"] == "SUCCEEDED", answer.get("cause")
        return json.loads(answer["output"])

    def fail(self, request: dict[str, Any], error: str = "") -> str:
        """Run an execution that is to fail, with this error; return its cause."""
        answer = self.finish(self.start(request))
        assert answer["status"] == "FAILED", answer
        assert answer["error"] == error or not error
        return answer["cause"]

    def sound(self, request: dict[str, Any]) -> wave.Wave_read:
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.endpoint,
            Body=json.dumps(request),
            ContentType="application/json",
            Accept="audio/wav",
        )
        assert answer["ContentType"] == "audio/wav"
        return wave.open(io.BytesIO(answer["Body"].read()), "rb")

    def config(self) -> str:
        """The endpoint config that serves; asserts that nothing is changing it."""
        endpoint = self.client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        assert endpoint["EndpointStatus"] == "InService", endpoint
        return endpoint["EndpointConfigName"]

    def endpoint_status(self) -> str:
        """What SageMaker says of the endpoint."""
        found = self.client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        status: str = found["EndpointStatus"]
        return status

    def served_model(self) -> str:
        """The URL of the model that the endpoint's config names, not of what is recorded."""
        api = self.client("sagemaker")
        config = api.describe_endpoint_config(EndpointConfigName=self.config())
        model = api.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        return model["PrimaryContainer"]["ModelDataUrl"]

    def recorded_model(self) -> str:
        name = self.outputs["ServedModelParameter"]
        return self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]

    def turn(self) -> dict[str, str]:
        """Whose turn it is to change the endpoint, and what is being changed, by executions."""
        (table,) = self.resources("AWS::DynamoDB::Table")
        found = self.client("dynamodb").get_item(
            TableName=table, Key={"id": {"S": "promotion"}}, ConsistentRead=True
        )
        shown = found["Item"].items()
        return {name: value["S"] for name, value in shown if name not in ("id", "deployment")}

    def resources(self, kind: str) -> list[str]:
        """The physical ids of the stack's resources of a type."""
        found = self.client("cloudformation").list_stack_resources(StackName=self.stack)
        return [
            resource["PhysicalResourceId"]
            for resource in found["StackResourceSummaries"]
            if resource["ResourceType"] == kind
        ]

    def etag(self, url: str) -> str:
        """What tells the contents of an object apart from others."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        tag: str = self.client("s3").head_object(Bucket=bucket, Key=key)["ETag"]
        return tag

    def made(self) -> set[str]:
        """The names of the models and configs that executions have made and not removed."""
        api, part = self.client("sagemaker"), f"{self.name}--"
        models = api.list_models(NameContains=part)["Models"]
        configs = api.list_endpoint_configs(NameContains=part)["EndpointConfigs"]
        return {m["ModelName"] for m in models} | {c["EndpointConfigName"] for c in configs}

    def job_names(self) -> list[str]:
        """The names of this stack's training jobs, oldest first."""
        pages = (
            self.client("sagemaker")
            .get_paginator("list_training_jobs")
            .paginate(NameContains=f"{self.name}--", SortBy="CreationTime", SortOrder="Ascending")
        )
        return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]

    def jobs(self) -> list[dict[str, Any]]:
        """The training jobs of this stack, oldest first."""
        return [self.job(name) for name in self.job_names()]

    def job(self, name: str) -> dict[str, Any]:
        """What SageMaker says of a training job."""
        found: dict[str, Any] = self.client("sagemaker").describe_training_job(TrainingJobName=name)
        return found

    def job_that_said(self, words: str, execution: str, before: int) -> str:
        """Wait for a line in the log of the job that follows the first `before`; give its name."""

        def name() -> str:
            found = next(iter(self.job_names()[before:]), "")
            if found and any(line.startswith(words) for line in self.log_of(found)):
                return found
            self.assert_running(execution)
            return ""

        return until(name)

    def processing_jobs(self) -> list[dict[str, Any]]:
        """The processing jobs of this stack, oldest first."""
        api = self.client("sagemaker")
        pages = api.get_paginator("list_processing_jobs").paginate(
            NameContains=f"{self.endpoint}--"
        )
        names = [
            job["ProcessingJobName"] for page in pages for job in page["ProcessingJobSummaries"]
        ]
        jobs = [api.describe_processing_job(ProcessingJobName=name) for name in names]
        return sorted(jobs, key=lambda job: job["CreationTime"])

    def log_of(self, job: str, group: str = "TrainingJobs", host: str = "") -> list[str]:
        """The lines of a job's log, that of one machine after the other or of one alone."""
        where = {"logGroupName": f"/aws/sagemaker/{group}"}
        api = self.client("logs")
        beginning = f"{job}/{host}"
        streams = api.describe_log_streams(**where, logStreamNamePrefix=beginning)["logStreams"]
        lines: list[str] = []
        for stream in streams:
            where["logStreamName"] = stream["logStreamName"]
            page = api.get_log_events(**where, startFromHead=True)
            while page["events"]:
                lines += [event["message"] for event in page["events"]]
                page = api.get_log_events(**where, nextToken=page["nextForwardToken"])
        return lines

    def files_of(self, archive: str) -> list[str]:
        """The names of what a tar.gz in the bucket holds, by its URL."""
        bucket, _, key = archive.removeprefix("s3://").partition("/")
        body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as content:
            return content.getnames()

    def exists(self) -> bool:
        """Whether the stack has not been removed."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return self.stack in {stack["StackName"] for stack in stacks}

    def states(self, execution: str) -> list[str]:
        """The names of the states that an execution has entered so far."""
        events = self.client("stepfunctions").get_execution_history(
            executionArn=execution, maxResults=1000
        )["events"]
        entered = (event.get("stateEnteredEventDetails") for event in events)
        return [details["name"] for details in entered if details]

    def wait_for_state(self, execution: str, name: str) -> None:
        """Wait until an execution has entered a state."""
        until(lambda: name in self.states(execution))


def _zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                files.write(file, file.relative_to(folder))
    return archive.getvalue()
