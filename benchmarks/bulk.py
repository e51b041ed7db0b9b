"""How fast and how dear sounds are in bulk: transform jobs of the starter on the stand-in.

    python -m benchmarks.bulk                  some minutes on 2 cores
    python -m benchmarks.bulk --sounds 20000   the more, the steadier

On a machine that others use as well, the time of the processors is what can be relied on: a rate
is what CORES of them would reach, and what was reached stands beside it.

A job's container is the serving image's gunicorn with TensorFlow behind it, as for an endpoint. The
arithmetic to a million sounds takes this machine for an instance.
"""

import argparse
import datetime
import json
import os
import time
from typing import Any

import boto3
import psutil

from benchmarks import ROOT
from benchmarks.measurement import Section, machine
from infra.pipeline.generation import FILES_PER_JOB
from infra.pipeline.generation import SOUNDS_PER_FILE as FILE
from local import server
from local.aws_environment import operator_environment

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"
REGION, BUCKET = "us-east-1", "bulk"
MILLION = 1_000_000
INSTANCES = (1, 2, 4, 8, 16)
CORES = 2  # of ml.c5.xlarge, with two threads each; this is about one thread a core, to be safe
# assumptions: until there is an instance, which is not billed, and until its container answers
START_MINUTES, LOADING_MINUTES = 4, 1
# dollars in us-east-1, 2026-11: aws.amazon.com/sagemaker/ai/pricing, .../s3/pricing and
# .../step-functions/pricing
INSTANCE, HOUR = "ml.c5.xlarge", 0.204
GIGABYTE_MONTH, THOUSAND_PUTS, THOUSAND_TRANSITIONS = 0.023, 0.005, 0.025
TRANSITIONS_PER_FILE = 2  # one writes it, one reads its summary


class Jobs:
    """Transform jobs of the starter on a stand-in of their own."""

    def __init__(self) -> None:
        url = server.start(0)
        os.environ.update(operator_environment(url, REGION))
        self.s3 = boto3.client("s3", region_name=REGION, endpoint_url=url)
        self.sagemaker = boto3.client("sagemaker", region_name=REGION, endpoint_url=url)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.upload_file(str(STARTER), BUCKET, "model.tar.gz")
        trusts = {"Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
        iam = boto3.client("iam", region_name=REGION, endpoint_url=url)
        role = iam.create_role(RoleName="bulk", AssumeRolePolicyDocument=_policy(trusts))
        may = {"Action": ["s3:*", "logs:*"], "Resource": "*"}
        iam.put_role_policy(RoleName="bulk", PolicyName="p", PolicyDocument=_policy(may))
        self.sagemaker.create_model(
            ModelName="starter",
            ExecutionRoleArn=role["Role"]["Arn"],
            PrimaryContainer={
                "Image": "image",
                "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
            },
        )

    def run(self, sounds: int, concurrent: int) -> dict[str, float]:
        """Make sounds with so many requests at a time.

        Returns sounds a second, processor seconds and bytes of a sound.
        """
        before = _processor_seconds()
        name = f"{concurrent}-{sounds}"
        for number in range(-(-sounds // FILE)):
            body = {"label": "seven", "count": min(FILE, sounds - number * FILE), "seed": number}
            key = f"requests/{name}/{number:05}.jsonl"
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body))
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/requests/{name}/"}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName="starter",
            MaxConcurrentTransforms=concurrent,
            Environment={"SAGEMAKER_GUNICORN_WORKERS": str(concurrent)},
            TransformInput={
                "DataSource": {"S3DataSource": source},
                "ContentType": "application/jsonlines",
            },
            TransformOutput={
                "S3OutputPath": f"s3://{BUCKET}/{name}",
                "Accept": "application/x-tar",
            },
            TransformResources={"InstanceType": INSTANCE, "InstanceCount": 1},
        )
        while (job := self._described(name))["TransformJobStatus"] == "InProgress":
            time.sleep(0.2)
        assert job["TransformJobStatus"] == "Completed", job
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/")["Contents"]
        took = (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
        return {
            "reached": sounds / took,
            "processor": (_processor_seconds() - before) / sounds,
            "bytes": sum(item["Size"] for item in found) / sounds,
        }

    def _described(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=name)
        return found


def _processor_seconds() -> float:
    """Add up what the containers have taken so far, and the agents in this process."""
    this = psutil.Process()
    times = [process.cpu_times() for process in [this, *this.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def measure(sounds: int) -> dict[int, dict[str, float]]:
    """Measure with one and with two requests at a time."""
    jobs, measured = Jobs(), {}
    try:
        for concurrent in (1, 2):
            jobs.run(10, concurrent)  # starts the container
            measured[concurrent] = jobs.run(sounds, concurrent)
    finally:
        server.stop()
    return measured


def rate_and_size(measured: dict[int, dict[str, float]]) -> tuple[float, float]:
    """Give sounds a second of CORES cores of one's own, and bytes of a sound."""
    best = min(measured.values(), key=lambda one: one["processor"])
    return CORES / best["processor"], best["bytes"]


def run(sounds: int, measured: dict[int, dict[str, float]] | None = None) -> list[Section]:
    """Tell what was measured, and count on to a million sounds."""
    measured = measured or measure(sounds)
    rows: list[tuple[str, ...]] = [
        (
            f"{n} at a time",
            f"{one['reached']:.0f}",
            f"{1000 * one['processor']:.2f} ms",
            f"{CORES / one['processor']:.0f}",
            f"{one['bytes']:.0f}",
        )
        for n, one in measured.items()
    ]
    load = os.getloadavg()[1]
    measurement = Section(
        "A transform job",
        f"{sounds} sounds of the starter (0.5 s of 8 kHz on average), {FILE} a file of requests, "
        f"one container. The machine had {load:.0f} programs that wanted its processors.",
        rows,
        columns=(
            "requests",
            "sounds a second",
            "processor time of a sound",
            f"sounds a second of {CORES} cores of one's own",
            "bytes a sound",
        ),
    )
    counted = million(*rate_and_size(measured))
    return [measurement, Section("A million sounds", *counted)]


def million(rate: float, size: float) -> tuple[str, list[tuple[str, ...]], tuple[str, ...], str]:
    """Count on from sounds a second of one instance and the bytes of a sound."""
    hours, files = MILLION / rate / 3600, MILLION / FILE
    gigabytes = MILLION * size / 1e9
    jobs = -(-files // FILES_PER_JOB)
    rows: list[tuple[str, ...]] = [
        (
            str(n),
            f"{60 * hours / n + jobs * (START_MINUTES + LOADING_MINUTES):.0f} min",
            f"${(hours + n * jobs * LOADING_MINUTES / 60) * HOUR:.2f}",
        )
        for n in INSTANCES
    ]
    other = files * (2 * THOUSAND_PUTS + TRANSITIONS_PER_FILE * THOUSAND_TRANSITIONS) / 1000
    method = (
        f"At {rate:.0f} sounds a second on {INSTANCE}, ${HOUR} an hour. "
        f"{jobs:.0f} jobs follow each other, each {START_MINUTES} minutes until it has instances, "
        f"which are not billed, and {LOADING_MINUTES} more until these have the model, which is."
    )
    remarks = (
        f"Requests to S3 and Step Functions add ${other:.2f}; {gigabytes:.1f} GB cost "
        f"${gigabytes * GIGABYTE_MONTH:.2f} a month until they are deleted."
    )
    return method, rows, ("instances", "it takes", "instances cost"), remarks


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sounds", type=int, default=6000)
    args = parser.parse_args()
    print(f"{datetime.date.today().isoformat()}: {machine()}\n")
    for section in run(args.sounds):
        print(section.to_markdown() + "\n")
