"""Transform jobs split, post and assemble as on AWS, and fail and stop as there."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import faults
from tests.local.deployment import Client, MakeRole
from tests.local.sagemaker.archives import BUCKET, archive
from tests.local.sagemaker.test_endpoints import constant_model
from tests.local.waiting import until

HANDLER = """
import json, os, time, falcon
def handler(data, context):
    body = data.read()
    if b"bad" in body:
        raise falcon.HTTPBadRequest(title="Bad", description="no such thing")
    if b"broken" in body:
        raise RuntimeError("broken")
    if b"slow" in body:
        time.sleep(0.5)
    if b"environment" in body:
        told = {k: v for k, v in os.environ.items() if k.startswith("SAGEMAKER_")}
        return json.dumps(told), "application/json"
    return body.upper() + f"|{os.getpid()}|{context.accept_header}".encode(), "text/plain"
"""
Transform = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def no_fault_is_left() -> Iterator[None]:
    yield
    faults.clear()


@pytest.fixture(scope="module")
def model(client: Client, role: str, make_role: MakeRole) -> str:
    body = archive({**constant_model(), "code/inference.py": HANDLER.encode()})
    client("s3").put_object(Bucket=BUCKET, Key="models/upper.tar.gz", Body=body)
    own = make_role(
        "transform",
        "sagemaker.amazonaws.com",
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/generated/*"},
        {"Action": "logs:*", "Resource": "*"},
    )
    url = f"s3://{BUCKET}/models/upper.tar.gz"
    client("sagemaker").create_model(
        ModelName="upper",
        ExecutionRoleArn=own,
        PrimaryContainer={"Image": "image", "ModelDataUrl": url},
    )
    return "upper"


def job(name: str, source: str, **changes: Any) -> dict[str, Any]:
    manifest = source.endswith(".manifest")
    data = {
        "S3DataType": "ManifestFile" if manifest else "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/requests/{source}",
    }
    split = {"SplitType": changes.pop("SplitType", "None")}
    assemble = {"AssembleWith": changes.pop("AssembleWith", "None")}
    return {
        "TransformJobName": name,
        "ModelName": "upper",
        "TransformInput": {"DataSource": {"S3DataSource": data}, "ContentType": "text/x", **split},
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/generated/{name}",
            "Accept": "text/y",
            **assemble,
        },
        "TransformResources": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
        # the same for all, so that they share a container: it is told, and starting one takes long
        "MaxPayloadInMB": 3,
        "MaxConcurrentTransforms": 2,
        "BatchStrategy": "SingleRecord",
        **changes,
    }


@pytest.fixture(scope="module")
def transform(client: Client, model: str) -> Transform:
    """Put objects below requests/NAME/, run a job over them; return its description."""

    def run(name: str, objects: dict[str, Any], source: str = "", **changes: Any) -> dict[str, Any]:
        for key, body in objects.items():
            client("s3").put_object(Bucket=BUCKET, Key=f"requests/{name}/{key}", Body=body)
        api = client("sagemaker")
        api.create_transform_job(**job(name, f"{name}/{source}", **changes))
        return ended(client, name)

    return run


def ended(client: Client, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = client("sagemaker").describe_transform_job(TransformJobName=name)
        return job if job["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return until(found)


def results(client: Client, name: str) -> dict[str, list[str]]:
    """The results by their names: lines, each up to the first |."""
    s3, prefix = client("s3"), f"generated/{name}/"
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    bodies = {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"]
        for item in found
    }
    return {name: body.read().decode().splitlines() for name, body in bodies.items()}


def test_every_object_has_a_result_of_its_name_and_is_one_request(
    client: Client, transform: Transform
) -> None:
    done = transform("whole", {"a.txt": b"x\ny", "deep/b.txt": b"z"})
    assert done["TransformJobStatus"] == "Completed", done
    assert done["TransformStartTime"] <= done["TransformEndTime"]
    found = results(client, "whole")
    assert set(found) == {"a.txt.out", "deep/b.txt.out"}
    assert found["a.txt.out"][0] == "X"
    assert found["a.txt.out"][1].startswith("Y|")
    assert found["a.txt.out"][1].endswith("|text/y")


def test_lines_are_sent_one_by_one_and_answers_come_in_their_order(
    client: Client, transform: Transform
) -> None:
    lines = b"slow 1\n2\n3\n"
    transform("single", {"a": lines}, SplitType="Line", AssembleWith="Line")
    single = [line.split("|")[0] for line in results(client, "single")["a.out"]]
    assert single == ["SLOW 1", "2", "3"]


def test_a_manifest_names_the_objects(client: Client, transform: Transform) -> None:
    prefix = {"prefix": f"s3://{BUCKET}/requests/listed/"}
    manifest = json.dumps([prefix, "deep/b", "c"])
    objects = {"a": b"a", "deep/b": b"b", "c": b"c", "some.manifest": manifest}
    transform("listed", objects, source="some.manifest")
    assert set(results(client, "listed")) == {"deep/b.out", "c.out"}


def test_an_object_with_a_bad_request_has_no_result_and_the_others_have(
    client: Client, transform: Transform
) -> None:
    objects = {"a": b"good", "b": b"bad\ngood", "c": b"good"}
    failed = transform("some-bad", objects, SplitType="Line")
    assert failed["TransformJobStatus"] == "Failed"
    assert failed["FailureReason"] == "ClientError: See job logs for more information"
    assert set(results(client, "some-bad")) == {"a.out", "c.out"}
    said = log(client, "some-bad", "/data-log")
    assert f"[sagemaker logs]: {BUCKET}/requests/some-bad/b: ClientError: 400" in said


def test_a_fault_of_the_container_is_tried_again_and_then_its_own(
    client: Client, transform: Transform
) -> None:
    client_config = {"InvocationsMaxRetries": 1}
    failed = transform("broken", {"a": b"broken"}, ModelClientConfig=client_config)
    assert failed["FailureReason"] == "AlgorithmError: See job logs for more information"
    tries = [line for line in log(client, "broken", "") if "exception handling request" in line]
    assert len(tries) == 2


def log(client: Client, name: str, ending: str) -> list[str]:
    where = {"logGroupName": "/aws/sagemaker/TransformJobs"}
    api = client("logs")
    names = [
        stream["logStreamName"]
        for stream in api.describe_log_streams(**where, logStreamNamePrefix=f"{name}/")[
            "logStreams"
        ]
    ]
    (stream,) = (one for one in names if one.endswith("/data-log") == bool(ending))
    page = api.get_log_events(**where, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in page["events"]]


def test_instances_share_the_objects_and_know_that_they_work_in_a_batch(
    client: Client, transform: Transform
) -> None:
    resources = {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2}
    objects = {"a": b"1", "b": b"2", "c": b"3", "d": b"environment"}
    transform("shared", objects, TransformResources=resources)
    found = results(client, "shared")
    assert len({found[name][0].split("|")[1] for name in ("a.out", "b.out", "c.out")}) == 2
    told = json.loads(found["d.out"][0])
    assert (
        told.items()
        >= {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": "3",
            "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        }.items()
    )


def test_a_job_that_is_stopped_stores_nothing(client: Client, model: str) -> None:
    for number in range(20):
        key = f"requests/stopped/{number}"
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"slow")
    api = client("sagemaker")
    api.create_transform_job(**job("stopped", "stopped/"))
    time.sleep(1.2)
    api.stop_transform_job(TransformJobName="stopped")
    assert ended(client, "stopped")["TransformJobStatus"] == "Stopped"
    assert results(client, "stopped") == {}
    with pytest.raises(ClientError, match="is in status Stopped"):
        api.stop_transform_job(TransformJobName="stopped")


def test_what_the_models_role_may_not_do_fails_the_job(
    client: Client, transform: Transform
) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/elsewhere"}
    failed = transform("elsewhere", {"a": b"1"}, TransformOutput=output)
    assert failed["TransformJobStatus"] == "Failed"
    assert "AccessDenied" in failed["FailureReason"]


def test_no_capacity_and_no_objects_are_reasons(client: Client, transform: Transform) -> None:
    assert "No S3 objects found" in transform("empty", {})["FailureReason"]
    faults.add(["no-capacity=ml.c5.xlarge"])
    assert transform("waits", {"a": b"1"})["FailureReason"].startswith("CapacityError: ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"MaxConcurrentTransforms": 40}, "cannot exceed 100 MB"),
        ({"TransformJobName": "whole"}, "names must be unique"),
    ],
)
@pytest.mark.usefixtures("model")
def test_what_aws_refuses_is_refused(client: Client, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError, match=words):
        client("sagemaker").create_transform_job(**job("refused", "whole/", **changes))


@pytest.mark.usefixtures("model")
def test_transform_jobs_have_a_quota_of_their_own(client: Client) -> None:
    faults.add(["no-quota=ml.c5.xlarge"])
    with pytest.raises(ClientError, match=r"ml\.c5\.xlarge for transform job usage' is 0"):
        client("sagemaker").create_transform_job(**job("too-many", "whole/"))


def test_a_container_that_ends_fails_what_it_had_not_answered(
    client: Client, transform: Transform
) -> None:
    faults.add(["container-dies=2"])
    objects = {"a": b"1", "b": b"slow", "c": b"3"}
    failed = transform("died", objects, MaxConcurrentTransforms=1)
    assert failed["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert set(results(client, "died")) == {"a.out"}
    assert any("Unable to get response from algorithm" in s for s in log(client, "died", "/data"))
