"""The services that the state machine calls, made up: all goes well but for what a test breaks."""

import json
from collections import defaultdict
from typing import Any

from tests.infra.machine import Service, ServiceError

RECORD, LOCK = "/sound-vae/served-model", "/sound-vae/promotion"
FREE = '{"execution":""}'


def failed_job(**description: Any) -> ServiceError:
    """What Step Functions makes of a job that did not complete."""
    described = {"TrainingJobName": "the-job", "TrainingJobStatus": "Failed", **description}
    return ServiceError("States.TaskFailed", json.dumps(described))


class Aws:
    """Holds what is there; a test sets what is to happen and looks at what became of it."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.starter = f"s3://{bucket}/models/starter/model.tar.gz"
        self.objects = [
            {"Key": "audio/", "Size": 0},
            {"Key": "audio/seven_1.WAV", "Size": 9},
            {"Key": "models/starter/model.tar.gz", "Size": 9},
        ]
        self.truncated = False
        self.job_outcomes: list[ServiceError | None] = []
        self.metrics: dict[str, float] = {"val_loss": -2.5}
        self.serves = "ServingConfig-1"  # CloudFormation's
        self.status = "InService"
        self.serverless = {"MemorySizeInMB": 3072, "MaxConcurrency": 5}
        self.updates: list[list[str]] = []  # statuses that follow each update; then InService
        self.after: list[str] = []
        self.updating_to = ""
        self.update_works = True
        self.configs, self.models = ["ServingConfig-1"], ["ServingModel-1"]
        self.answer: dict[str, Any] = {"sounds": [{"rms": 0.1, "label": "seven"}]}
        self.values = {RECORD: (self.starter, 1), LOCK: (FREE, 1)}
        self.executions: dict[str, str] = {}
        self.errors: dict[str, ServiceError] = {}
        self.calls: dict[str, int] = defaultdict(int)
        self.error_at: dict[tuple[str, int], ServiceError] = {}  # (action, which call of it)
        self.before: dict[tuple[str, int], Any] = {}  # something that happens just before a call
        actions: dict[str, Service] = {
            "listObjectsV2": self.list_objects,
            "createTrainingJob.sync": self.train,
            "createModel": self.create_model,
            "createEndpointConfig": self.create_config,
            "updateEndpoint": self.update,
            "describeEndpoint": self.describe,
            "invokeEndpoint": lambda _: {"Body": json.dumps(self.answer)},
            "getParameter": self.get_parameter,
            "putParameter": self.put_parameter,
            "describeExecution": self.describe_execution,
            "listEndpointConfigs": lambda given: self.listed(given, "EndpointConfig", self.configs),
            "listModels": lambda given: self.listed(given, "Model", self.models),
            "deleteEndpointConfig": self.delete_config,
            "deleteModel": lambda given: self.models.remove(given["ModelName"]) or {},  # type: ignore[func-returns-value]
        }
        self.services = {name: self.or_error(name, action) for name, action in actions.items()}

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
        return self.values[RECORD][0]

    @property
    def lock(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(self.values[LOCK][0])
        return held

    def list_objects(self, given: dict[str, Any]) -> Any:
        assert given["Bucket"] == self.bucket
        found = [o for o in self.objects if str(o["Key"]).startswith(given["Prefix"])]
        return {"IsTruncated": self.truncated, **({"Contents": found} if found else {})}

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
            "FinalMetricDataList": [
                {"MetricName": name, "Value": value, "Timestamp": 0}
                for name, value in self.metrics.items()
            ],
        }

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
            "ProductionVariants": [{"CurrentServerlessConfig": self.serverless}],
            **reason,
        }

    def get_parameter(self, given: dict[str, Any]) -> Any:
        value, version = self.values[given["Name"]]
        return {"Parameter": {"Value": value, "Version": version}}

    def put_parameter(self, given: dict[str, Any]) -> Any:
        assert given["Overwrite"] is True
        version = self.values[given["Name"]][1] + 1
        self.values[given["Name"]] = (given["Value"], version)
        return {"Version": version}

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
