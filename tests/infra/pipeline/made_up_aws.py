"""The services that the state machines call, made up: all goes well but for what a test breaks."""

import json
import re
from collections import defaultdict
from typing import Any

from tests.infra.pipeline.machine import Account, Definition, Service, ServiceError

FREE = {"execution": ""}
RECORD = "/sound-vae/served-model"


def failed_job(**description: Any) -> ServiceError:
    """What Step Functions makes of a job that did not complete."""
    described = {"TrainingJobName": "the-job", "TrainingJobStatus": "Failed", **description}
    return ServiceError("States.TaskFailed", json.dumps(described))


class Aws:
    """Holds what is there; a test sets what is to happen and looks at what became of it."""

    def __init__(self, bucket: str, machines: dict[str, Definition]) -> None:
        self.bucket = bucket
        self.starter = f"s3://{bucket}/models/starter/model.tar.gz"
        self.objects: list[dict[str, Any]] = [
            {"Key": "audio/", "Size": 0},
            {"Key": "audio/seven_1.WAV", "Size": 9},
            {"Key": "audio/seven_2.WAV", "Size": 9},
            {"Key": "models/starter/model.tar.gz", "Size": 9},
        ]
        self.truncated = False
        self.job_outcomes: list[ServiceError | None] = []
        self.processing: list[ServiceError | None] = []  # outcomes of processing jobs
        self.found = {"new": 5, "unchanged": 0, "gone": 0}  # by a look at the sounds
        self.jobs_look: list[str] = []  # SecondaryStatus, one for each look; then Training
        self.summary: dict[str, Any] | None = {
            "figures": {"val_loss": -2.5},
            "comparison": {"comparable": False, "why": "its labels are others"},
            "data": {"files": 2, "clips": 2, "warnings": []},
        }
        self.serves = "ServingConfig-1"  # CloudFormation's
        self.status = "InService"
        self.capacity: dict[str, Any] = {
            "ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}
        }
        self.endpoint = "sound-vae"
        self.desired = 0  # instances, of an endpoint that has some
        self.updates: list[list[str]] = []  # statuses that follow each update; then InService
        self.after: list[str] = []
        self.updating_to = ""
        self.update_works = True
        self.deploying = 0  # looks at the stack until its deployment is through
        self.configs, self.models = ["ServingConfig-1"], ["ServingModel-1"]
        self.answer: Any = {"sounds": [{"rms": 0.1, "label": "seven"}]}
        self.values = {RECORD: self.starter}
        self.item: dict[str, str] = {}  # whose turn it is
        self.executions: dict[str, str] = {}
        self.errors: dict[str, ServiceError] = {}
        self.calls: dict[str, int] = defaultdict(int)
        self.error_at: dict[tuple[str, int], ServiceError] = {}  # (action, which call of it)
        self.before: dict[tuple[str, int], Any] = {}  # something that happens just before a call
        actions: dict[str, Service] = {
            "listObjectsV2": self.list_objects,
            "getObject": self.get_object,
            "copyObject": self.copy_object,
            "createProcessingJob.sync": self.process,
            "createTrainingJob.sync": self.train,
            "describeTrainingJob": self.describe_job,
            "stopTrainingJob": lambda _: {},
            "createModel": self.create_model,
            "createEndpointConfig": self.create_config,
            "updateEndpoint": self.update,
            "describeEndpoint": self.describe,
            "describeEndpointConfig": self.describe_config,
            "describeStacks": self.describe_stacks,
            "invokeEndpoint": lambda _: {"Body": self.answer},
            "getParameter": lambda given: {"Parameter": {"Value": self.values[given["Name"]]}},
            "putParameter": self.put_parameter,
            "getItem": lambda _: self.read_item(),
            "updateItem": self.update_item,
            "describeExecution": self.describe_execution,
            "listEndpointConfigs": lambda given: self.listed(given, "EndpointConfig", self.configs),
            "listModels": lambda given: self.listed(given, "Model", self.models),
            "deleteEndpointConfig": self.delete_config,
            "deleteModel": lambda given: self.models.remove(given["ModelName"]) or {},  # type: ignore[func-returns-value]
        }
        services = {name: self.or_error(name, action) for name, action in actions.items()}
        self.account = Account(services, machines)

    def or_error(self, name: str, action: Service) -> Service:
        def service(given: dict[str, Any]) -> Any:
            self.calls[name] += 1
            if happening := self.before.pop((name, self.calls[name]), None):
                happening()
            error = self.error_at.get((name, self.calls[name])) or self.errors.get(name)
            if error:
                raise error
            return action(given)

        return service

    @property
    def recorded(self) -> str:
        return self.values[RECORD]

    @property
    def nobodys_turn(self) -> bool:
        """Whether nobody has the turn, and nothing is left to repair."""
        return {**self.item, "deployment": ""} in ({"deployment": ""}, {**FREE, "deployment": ""})

    def list_objects(self, given: dict[str, Any]) -> Any:
        assert given["Bucket"] == self.bucket
        found = [o for o in self.objects if str(o["Key"]).startswith(given["Prefix"])]
        found = [o for o in found if str(o["Key"]) > given.get("StartAfter", "")]
        found.sort(key=lambda item: str(item["Key"]))
        page = found[: given["MaxKeys"]]
        more = self.truncated or len(page) < len(found)
        return {"IsTruncated": more, **({"Contents": page} if page else {})}

    def process(self, given: dict[str, Any]) -> Any:
        """A processing job: the first of an execution looks, the second prepares."""
        name = given["ProcessingJobName"]
        if self.processing:
            outcome = self.processing.pop(0)
            if outcome:
                raise outcome
        found = {"ProcessingJobName": name, "ProcessingJobStatus": "Completed"}
        return {**found, "ExitMessage": json.dumps(self.found)} if "-plan-" in name else found

    def get_object(self, given: dict[str, Any]) -> Any:
        assert re.fullmatch(r"checkpoints/sound-vae--[^/]+/summary.json", given["Key"])
        if self.summary is None:
            raise ServiceError("S3.NoSuchKeyException", "The specified key does not exist.")
        return {"Body": json.dumps(self.summary)}

    def copy_object(self, given: dict[str, Any]) -> Any:
        assert given["CopySource"].startswith(f"{self.bucket}/")
        self.objects.append({"Key": given["Key"], "Size": 9})
        return {"CopyObjectResult": {"ETag": '"x"'}}

    def train(self, given: dict[str, Any]) -> Any:
        outcome = self.job_outcomes.pop(0) if self.job_outcomes else None
        if outcome:
            raise outcome
        output = given["OutputDataConfig"]["S3OutputPath"]
        name = given["TrainingJobName"]
        return {
            "TrainingJobName": name,
            "ModelArtifacts": {"S3ModelArtifacts": f"{output}/{name}/output/model.tar.gz"},
            "TrainingTimeInSeconds": 150,
            "BillableTimeInSeconds": 60,
        }

    def describe_job(self, _: dict[str, Any]) -> Any:
        return {"SecondaryStatus": self.jobs_look.pop(0) if self.jobs_look else "Training"}

    def create_model(self, given: dict[str, Any]) -> Any:
        self.models.append(given["ModelName"])
        return {"ModelArn": f"arn:model/{given['ModelName']}"}

    def create_config(self, given: dict[str, Any]) -> Any:
        self.configs.append(given["EndpointConfigName"])
        return {"EndpointConfigArn": f"arn:endpoint-config/{given['EndpointConfigName']}"}

    def update(self, given: dict[str, Any]) -> Any:
        assert self.status == "InService" or not self.update_works
        assert given["EndpointConfigName"] in self.configs
        self.updating_to, self.status = given["EndpointConfigName"], "Updating"
        self.after = self.updates.pop(0) if self.updates else ["Updating", "InService"]
        return {}

    def describe(self, _: dict[str, Any]) -> Any:
        if self.after:
            self.status = self.after.pop(0)
            if self.status == "InService" and self.update_works:
                self.serves = self.updating_to
        reason = {} if self.update_works else {"FailureReason": "The container did not start."}
        return {
            "EndpointStatus": self.status,
            "EndpointConfigName": self.serves,
            "ProductionVariants": [self.now()],
            **reason,
        }

    def now(self) -> dict[str, Any]:
        """Of the capacity what DescribeEndpoint says, which is not the type of instances."""
        if "ServerlessConfig" in self.capacity:
            current = self.capacity["ServerlessConfig"]
            return {"CurrentServerlessConfig": current, "CurrentInstanceCount": 0}
        return {"CurrentInstanceCount": self.desired, "DesiredInstanceCount": self.desired}

    def describe_config(self, given: dict[str, Any]) -> Any:
        assert given["EndpointConfigName"] == self.serves
        variant = {"VariantName": "AllTraffic", "ModelName": "served", **self.capacity}
        return {"ProductionVariants": [{**variant, "InitialVariantWeight": 1.0}]}

    def describe_stacks(self, _: dict[str, Any]) -> Any:
        self.deploying = max(self.deploying - 1, 0)
        status = "UPDATE_IN_PROGRESS" if self.deploying else "UPDATE_COMPLETE"
        outputs = [
            {"OutputKey": "BucketName", "OutputValue": self.bucket},
            {"OutputKey": "EndpointName", "OutputValue": self.endpoint},
        ]
        return {"Stacks": [{"StackStatus": status, "Outputs": outputs}]}

    def put_parameter(self, given: dict[str, Any]) -> Any:
        assert given["Overwrite"] is True
        self.values[given["Name"]] = given["Value"]
        return {"Version": 2}

    def read_item(self) -> Any:
        shown = {name: {"S": value} for name, value in self.item.items()}
        return {"Item": {"id": {"S": "promotion"}, **shown}} if shown else {}

    def update_item(self, given: dict[str, Any]) -> Any:
        """UpdateItem, of the expressions that the definitions have."""
        values = {name: value["S"] for name, value in given["ExpressionAttributeValues"].items()}
        if not self.holds(given["ConditionExpression"], values):
            raise ServiceError("DynamoDb.ConditionalCheckFailedException")
        setting, _, removing = given["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        for part in setting.split(", "):
            name, _, value = part.partition(" = ")
            self.item[name] = values[value]
        for name in filter(None, removing.split(", ")):
            self.item.pop(name, None)
        if given.get("ReturnValues") != "ALL_NEW":
            return {}
        return {"Attributes": {name: {"S": value} for name, value in self.item.items()}}

    def holds(self, condition: str, values: dict[str, str]) -> bool:
        """A condition's value, of the operators that the definitions have."""
        text = re.sub(r"attribute_not_exists\((\w+)\)", r"('\1' not in item)", condition)
        text = re.sub(r"(\w+) IN (\([^)]*\))", r"(item.get('\1') in \2)", text)
        text = re.sub(r"(\w+) = (:\w+)", r"(item.get('\1') == \2)", text)
        text = re.sub(r":(\w+)", r"values[':\1']", text)
        text = text.replace(" AND ", " and ").replace(" OR ", " or ")
        return bool(eval(text, {}, {"item": self.item, "values": values}))  # noqa: S307

    def describe_execution(self, given: dict[str, Any]) -> Any:
        if given["ExecutionArn"] not in self.executions:
            raise ServiceError("Sfn.ExecutionDoesNotExistException")
        return {"Status": self.executions[given["ExecutionArn"]]}

    def listed(self, given: dict[str, Any], kind: str, names: list[str]) -> Any:
        found = [{f"{kind}Name": name} for name in names if given["NameContains"] in name]
        return {f"{kind}s": found}

    def delete_config(self, given: dict[str, Any]) -> Any:
        assert given["EndpointConfigName"] != self.serves, "in use"
        self.configs.remove(given["EndpointConfigName"])
        return {}
