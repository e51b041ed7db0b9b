"""The folder /opt/ml of a training job: what it finds there, and what is uploaded at its end."""

import errno
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import IncompleteReadError, ResponseStreamingError

from local import faults
from local.aws import bucket_and_key
from local.sagemaker import ATTEMPTS

SUBMIT_DIRECTORY = "sagemaker_submit_directory"
COMPRESSION = 6
"""Of the archives that a job leaves, 1 to 9: fast to small; AWS's are about as small as with 6."""


SHARDED = "ShardedByS3Key"
"""Each host gets 1/n of the objects; AWS does not say which, here it is every n-th."""

BLOCK = 1 << 20  # bytes of an object that are in memory
BROKEN_OFF = (IncompleteReadError, ResponseStreamingError)


def input_objects(s3: Any, channel: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (bucket, key, path below the channel's folder) of a channel's S3 objects."""
    yield from objects_below(s3, channel["DataSource"]["S3DataSource"]["S3Uri"])


def objects_below(s3: Any, url: str) -> Iterator[tuple[str, str, str]]:
    """Yield (bucket, key, path below the folder they are copied to) of a prefix's objects."""
    bucket, prefix = bucket_and_key(url)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            key = item["Key"]
            if not key.endswith("/"):
                folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
                below = key.removeprefix(folder) if key.startswith(folder) else Path(key).name
                yield bucket, key, below


def inside(folder: Path, below: str) -> Path:
    """Return the path of what an object's key says lies `below` the folder.

    Raises `ValueError` for a key that leads out of it, such as `../a` or one with `//` in it.
    """
    path = folder / below
    steps = below.split("/")
    if "" in steps or ".." in steps or folder.resolve() not in path.resolve().parents:
        raise ValueError(
            f"the S3 key ending in {below!r} is no path below the folder that it is to be copied "
            "to: rename the object so that its key has neither '..' nor '//'."
        )
    return path


def download(s3: Any, bucket: str, key: str, target: Path) -> None:
    """Write an object to a file, of any size; an answer that breaks off is asked for again.

    Simpler than boto3's download_file, and twice as fast here.
    """
    for attempt in range(ATTEMPTS):
        try:
            with target.open("wb") as file:
                for block in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK):
                    file.write(block)
            return
        except BROKEN_OFF:
            if attempt == ATTEMPTS - 1:
                raise


def lay_out(base: Path, record: Any, s3: Any, hosts: Sequence[str], number: int) -> None:
    """Write configuration and channels of the job `record` below `base`, as host `number` has them.

    Raises `OSError` if its disk is full.
    """
    if record.resource_config["InstanceType"] in faults.current.disk_full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for folder in ("input/config", "input/data", "model", "output/data", "code"):
        (base / folder).mkdir(parents=True)
    channels = {}
    for channel in record.input_data_config or []:
        name = channel["ChannelName"]
        distribution = channel["DataSource"]["S3DataSource"].get(
            "S3DataDistributionType", "FullyReplicated"
        )
        objects = input_objects(s3, channel)
        if distribution == SHARDED:
            objects = islice(objects, number, None, len(hosts))
        for bucket, key, below in objects:
            target = inside(inside(base / "input/data", name), below)
            target.parent.mkdir(parents=True, exist_ok=True)
            download(s3, bucket, key, target)
        channels[name] = {
            # FastFile provides "file system access to the data" as File does, which is copied here
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": distribution,
            "RecordWrapperType": "None",
        }
    instance_type, group = record.resource_config["InstanceType"], "homogeneousCluster"
    resources = {
        "current_host": hosts[number],
        "hosts": list(hosts),
        "network_interface_name": "lo",
        "current_instance_type": instance_type,
        "current_group_name": group,
        "instance_groups": [
            {
                "instance_group_name": group,
                "instance_type": instance_type,
                "hosts": list(hosts),
            }
        ],
    }
    hyperparameters = dict(record.hyper_parameters)
    if source := hyperparameters.get(SUBMIT_DIRECTORY, ""):  # may lie in a channel
        hyperparameters[SUBMIT_DIRECTORY] = source.replace("/opt/ml/", f"{base}/")
    for name, content in {
        "hyperparameters": hyperparameters,
        "inputdataconfig": channels,
        "resourceconfig": resources,
    }.items():
        (base / f"input/config/{name}.json").write_text(json.dumps(content))


def failure_reason(base: Path, exit_code: int | None) -> str:
    """Build the FailureReason out of what the script, or else the toolkit, has written."""
    failure = base / "output/failure"
    text = failure.read_text(errors="replace").strip() if failure.exists() else ""
    if exit_code is not None and exit_code < 0:  # ended by a signal, as containers report it
        exit_code = 128 - exit_code
    return f"AlgorithmError: {text}, exit code: {exit_code}"


def upload(bases: Sequence[Path], record: Any, s3: Any) -> str:
    """Upload what the hosts with these folders leave; return the URL of the model.tar.gz.

    "SageMaker AI aggregates the result in a TAR file", in which no two hosts should write the same
    (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html).
    """
    base = bases[0]
    bucket, prefix = bucket_and_key(record.output_data_config["S3OutputPath"])
    folder = "/".join(filter(None, [prefix.strip("/"), record.training_job_name]))
    for name, source in {"model": "model", "output": "output/data"}.items():
        files = sorted(file for one in bases for file in (one / source).iterdir())
        if files:
            archive = base / f"{name}.tar.gz"
            with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION) as tar:
                for file in files:
                    tar.add(file, arcname=file.name)
            s3.upload_file(str(archive), bucket, f"{folder}/output/{archive.name}")
    return f"s3://{bucket}/{folder}/output/model.tar.gz"
