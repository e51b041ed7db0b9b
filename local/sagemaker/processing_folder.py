"""The folder /opt/ml of one container of a processing job: what it finds there, what is taken away.

What AWS says of it:
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local.aws import bucket_and_key
from local.sagemaker.job_folder import download, inside, objects_below
from local.sagemaker.mirror import Mirror

ROOT = "/opt/ml"
MESSAGE_LIMIT = 1024
"""Bytes of /opt/ml/output/message that DescribeProcessingJob shows."""


def place(base: Path, local_path: str) -> Path:
    """Return where a container's path lies below `base`.

    Raises `ValueError` for one that does not begin with /opt/ml/processing/, as AWS wants it.
    """
    if not local_path.startswith(f"{ROOT}/processing/"):
        raise ValueError(f"LocalPath must begin with {ROOT}/processing/, but is {local_path}")
    return inside(base, Path(local_path).relative_to(ROOT).as_posix())


def located(base: Path, text: str) -> str:
    """Return an argument of the container with the paths that it has here."""
    return text.replace(f"{ROOT}/", f"{base}/")


def lay_out(base: Path, record: Any, s3: Any, host: str, hosts: list[str]) -> None:
    """Write configuration and inputs of one of the job's hosts below `base`."""
    for name in ("config", "output", "processing"):
        (base / name).mkdir(parents=True)
    for given in record.processing_inputs or []:
        source = given["S3Input"]
        folder = place(base, source["LocalPath"])
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(input_objects(s3, source))
        if not found:
            raise ValueError(f'No S3 objects found under S3 URL "{source["S3Uri"]}"')
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            found = found[hosts.index(host) :: len(hosts)]
        for bucket, key, below in found:
            target = inside(folder, below)
            target.parent.mkdir(parents=True, exist_ok=True)
            download(s3, bucket, key, target)
    for name, content in {
        "resourceconfig": {"current_host": host, "hosts": hosts},
        "processingjobconfig": {
            "ProcessingJobArn": record.arn,
            "ProcessingJobName": record.processing_job_name,
            "AppSpecification": record.app_specification,
            "Environment": record.environment,
            "ProcessingInputs": record.processing_inputs,
            "ProcessingOutputConfig": record.processing_output_config,
            "ProcessingResources": record.processing_resources,
            "RoleArn": record.role_arn,
            "StoppingCondition": record.stopping_condition,
        },
    }.items():
        (base / f"config/{name}.json").write_text(json.dumps(content))


def input_objects(s3: Any, source: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (bucket, key, path below the input's folder) of a prefix's or a manifest's objects."""
    if source["S3DataType"] == "S3Prefix":
        yield from objects_below(s3, source["S3Uri"])
        return
    bucket, key = bucket_and_key(source["S3Uri"])
    (first, *names) = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    in_bucket, prefix = bucket_and_key(first["prefix"])
    for name in names:
        yield in_bucket, prefix + name, name


class Outputs:
    """The folders whose content goes to S3: while the container runs, or when all went well."""

    def __init__(self, base: Path, record: Any, s3: Any) -> None:
        self._stack = ExitStack()
        self._at_the_end: list[Mirror] = []
        for output in (record.processing_output_config or {}).get("Outputs", []):
            target = output["S3Output"]
            bucket, prefix = bucket_and_key(target["S3Uri"])
            folder = place(base, target["LocalPath"])
            mirror = Mirror(folder, bucket, prefix.rstrip("/") + "/", s3)
            if target["S3UploadMode"] == "Continuous":
                self._stack.enter_context(mirror)
            else:
                folder.mkdir(parents=True)
                self._at_the_end.append(mirror)

    def finish(self, completed: bool) -> None:
        """Upload the rest; of a container that failed only what goes up continuously."""
        self._stack.close()
        for mirror in self._at_the_end if completed else []:
            mirror.mirror()


def message(base: Path) -> str:
    """Return what the container leaves for DescribeProcessingJob; raises UnicodeDecodeError."""
    file = base / "output/message"
    return file.read_bytes().decode() if file.exists() else ""
