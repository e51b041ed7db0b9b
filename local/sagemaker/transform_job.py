"""A SageMaker transform job: a container for each instance, and an agent that feeds it.

It runs under the execution role of its model: the role reads the requests and writes the results.
SageMaker does not say when the results can be seen; here they are stored when the job ends, and not
at all when it is stopped: "Amazon SageMaker doesn't store the job's output in Amazon S3"
(StopTransformJob).
"""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow

from local import faults, processes
from local.aws import bucket_and_key, client_as
from local.sagemaker import ATTEMPTS, SERVICE
from local.sagemaker.batch_agent import Agent, Input, ObjectFailedError
from local.sagemaker.endpoint import ModelNotServedError, acquire, release
from local.sagemaker.logs import LogStream

LOG_GROUP = "/aws/sagemaker/TransformJobs"
LOOK_SECONDS = 0.05  # between two looks at how many requests a container was sent
MANIFEST = "ManifestFile"


class TransformJob:
    """Runs one transform job; `record` is moto's entry, which DescribeTransformJob shows."""

    def __init__(self, record: Any, model: Any, region: str) -> None:
        self.record, self.model, self.region = record, model, region
        role = model.execution_role_arn
        self.s3 = client_as(role, SERVICE, "s3", region, attempts=ATTEMPTS)
        self._agents: list[Agent] = []
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let no more requests be sent, and store nothing."""
        self.record.transform_job_status = "Stopping"
        self._stopping.set()
        for agent in list(self._agents):
            agent.stop()

    def run(self) -> None:
        """Carry the job out; every outcome ends up in the record."""
        folder = processes.new_folder("transform-job-")
        try:
            failures = self._transform(folder)
            if self._stopping.is_set():
                self._end("Stopped")
                return
            self._upload(folder)
            self._end("Failed" if failures else "Completed", next(iter(failures), ""))
        except (ModelNotServedError, ObjectFailedError) as failure:
            self._end("Failed", str(failure))
        except Exception as error:  # of the service: no access, no disk
            self._end("Failed", f"ClientError: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self, status: str, reason: str = "") -> None:
        self.record.failure_reason = reason
        self.record.transform_end_time = self.record.last_modified_time = utcnow()
        self.record.transform_job_status = status

    def _transform(self, folder: Path) -> list[str]:
        """Transform every object on as many instances as were asked for; return what failed."""
        resources = self.record.transform_resources
        if not faults.current.has_capacity(resources["InstanceType"], spot=False):
            raise ObjectFailedError(
                "CapacityError: Unable to provision requested ML compute capacity. Please retry "
                "using a different ML instance type."
            )
        inputs, instances = self._inputs(), int(resources["InstanceCount"])
        self.record.transform_start_time = utcnow()
        with ThreadPoolExecutor(instances) as pool:
            shares = [inputs[number::instances] for number in range(instances)]
            work = pool.map(lambda n: self._on_instance(n, shares[n], folder), range(instances))
            return [failure for failures in work for failure in failures]

    def _inputs(self) -> list[Input]:
        """List the objects, in the order of their keys or of the manifest."""
        source = self.record.transform_input["DataSource"]["S3DataSource"]
        bucket, prefix = bucket_and_key(source["S3Uri"])
        if source["S3DataType"] == MANIFEST:
            body = self.s3.get_object(Bucket=bucket, Key=prefix)["Body"].read()
            first, *names = json.loads(body)
            bucket, prefix = bucket_and_key(first["prefix"])
            found = [(prefix + name, name) for name in names]
        else:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            folder = prefix.rpartition("/")[0]
            found = [(key, key.removeprefix(folder).lstrip("/")) for key in keys]
        if not found:
            raise ObjectFailedError(f"ClientError: No S3 objects found under {source['S3Uri']}")
        return [Input(bucket, key, f"{name}.out") for key, name in found]

    def _on_instance(self, number: int, inputs: list[Input], folder: Path) -> list[str]:
        """Transform one instance's share; return the beginnings of what failed."""
        stream = f"{self.record.transform_job_name}/i-{number:017x}"
        role = self.model.execution_role_arn
        with ExitStack() as stack:
            logs = [
                stack.enter_context(LogStream(LOG_GROUP, name, role, self.region))
                for name in (stream, f"{stream}/data-log")
            ]
            server = acquire(
                self.model, f"transform-{number}", self.region, environment=self._environment()
            )
            stack.callback(release, server)
            server.log, said = logs
            agent = Agent(self.record, server.url, said.write)
            said.write(f"[sagemaker logs]: MaxConcurrentTransforms={agent.concurrent}")
            self._agents.append(agent)
            if self._stopping.is_set():
                agent.stop()
            if (death := faults.current.next_death()) is not None:
                end = threading.Thread(target=self._end_container, args=(server, agent, death))
                end.start()
            results = list(agent.run(inputs, self._fetch, folder))
            agent.stop()
            server.log = None
        failed = [str(one) for one in results if isinstance(one, ObjectFailedError)]
        return [f"{one.partition(':')[0]}: See job logs for more information" for one in failed]

    def _environment(self) -> dict[str, str]:
        """Return what SageMaker adds to the container's environment.

        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
        """
        job = self.record
        strategy = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
        told = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": job.max_payload_in_mb,
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": job.max_concurrent_transforms,
            "SAGEMAKER_BATCH_STRATEGY": strategy.get(job.batch_strategy or ""),
        }
        given = {name: str(value) for name, value in told.items() if value is not None}
        return {**(job.environment or {}), "SAGEMAKER_BATCH": "true", **given}

    def _end_container(self, server: Any, agent: Agent, request: int) -> None:
        while agent.sent < request and not agent.over:
            threading.Event().wait(LOOK_SECONDS)
        server.stop()

    def _fetch(self, one: Input) -> bytes:
        body: bytes = self.s3.get_object(Bucket=one.bucket, Key=one.key)["Body"].read()
        return body

    def _upload(self, folder: Path) -> None:
        """Store the results under the role."""
        bucket, prefix = bucket_and_key(self.record.transform_output["S3OutputPath"])
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = prefix + file.relative_to(folder).as_posix()
            self.s3.upload_file(str(file), bucket, key)
