"""Processing jobs really run, on as many hosts as are asked for, with AWS's contract."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import faults, iam
from tests.local.deployment import Client, MakeRole
from tests.local.waiting import until

BUCKET = "processing"
SCRIPT = """
import json, os, pathlib, sys, time
root = pathlib.Path("/opt/ml/")
host = json.loads((root / "config/resourceconfig.json").read_text())
name = host["current_host"]
sounds = pathlib.Path(sys.argv[2])
found = sorted(str(file.relative_to(sounds)) for file in sounds.rglob("*") if file.is_file())
output = root / "processing/output"
(output / "early" / f"{name}.txt").write_text(" ".join(found))
(root / "output/message").write_text(f"{name} has {len(found)};")
print(f"{name} of {host['hosts']} in {os.environ['MOOD']}")
if sys.argv[1] == "slow":
    time.sleep(600)
(output / "late" / f"{name}.json").write_text(json.dumps({"files": len(found)}))
sys.exit(3 if sys.argv[1] == name else 0)
"""


@pytest.fixture(scope="module")
def role(client: Client, make_role: MakeRole) -> str:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name in ("a.wav", "deep/b.wav", "deep/c.wav", "d e.wav", "left out.wav"):
        s3.put_object(Bucket=BUCKET, Key=f"audio/{name}", Body=name.encode())
    manifest = [{"prefix": f"s3://{BUCKET}/audio/"}, "a.wav", "deep/b.wav", "deep/c.wav", "d e.wav"]
    s3.put_object(Bucket=BUCKET, Key="plan/manifest.json", Body=json.dumps(manifest).encode())
    return make_role(
        "processing",
        "sagemaker.amazonaws.com",
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/out/*"},
        {"Action": "logs:*", "Resource": "*"},
    )


def job(name: str, role: str, argument: str = "", hosts: int = 2, **changes: Any) -> dict[str, Any]:
    target = {"LocalPath": "/opt/ml/processing/output/early", "S3UploadMode": "Continuous"}
    late = {"LocalPath": "/opt/ml/processing/output/late", "S3UploadMode": "EndOfJob"}
    sounds = {
        "S3Uri": f"s3://{BUCKET}/plan/manifest.json",
        "LocalPath": "/opt/ml/processing/input/sounds",
        "S3DataType": "ManifestFile",
        "S3InputMode": "File",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    outputs = [
        {"OutputName": "early", "S3Output": {"S3Uri": f"s3://{BUCKET}/out/{name}/early", **target}},
        {"OutputName": "late", "S3Output": {"S3Uri": f"s3://{BUCKET}/out/{name}/late", **late}},
    ]
    return {
        "ProcessingJobName": name,
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": "image",
            "ContainerEntrypoint": ["python", "-c", SCRIPT],
            "ContainerArguments": [argument, "/opt/ml/processing/input/sounds"],
        },
        "Environment": {"MOOD": "haste"},
        "ProcessingInputs": [{"InputName": "sounds", "S3Input": sounds}],
        "ProcessingOutputConfig": {"Outputs": outputs},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": hosts,
                "InstanceType": "ml.m5.xlarge",
                "VolumeSizeInGB": 1,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **changes,
    }


def run(client: Client, request: dict[str, Any]) -> dict[str, Any]:
    client("sagemaker").create_processing_job(**request)
    return ended(client, request["ProcessingJobName"])


def ended(client: Client, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = client("sagemaker").describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return until(found)


def below(client: Client, prefix: str) -> dict[str, str]:
    """What lies below a folder of the outputs, and what it says."""
    s3 = client("s3")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"out/{prefix}/").get("Contents", [])
    bodies = {item["Key"]: s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"] for item in found}
    return {
        key.removeprefix(f"out/{prefix}/"): body.read().decode() for key, body in bodies.items()
    }


def test_two_hosts_share_what_a_manifest_names_and_their_outputs_come_back(
    client: Client, role: str
) -> None:
    found = run(client, job("whole", role))
    assert found["ProcessingJobStatus"] == "Completed", found.get("FailureReason")
    assert found["ExitMessage"] == "algo-1 has 2;algo-2 has 2;"
    assert found["ProcessingEndTime"] >= found["ProcessingStartTime"]
    assert found["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    outputs = below(client, "whole")
    assert set(outputs) == {
        *("early/algo-1.txt", "early/algo-2.txt"),
        *("late/algo-1.json", "late/algo-2.json"),
    }
    shares = f"{outputs['early/algo-1.txt']} {outputs['early/algo-2.txt']}"
    assert sorted(shares.split(" ")) == sorted(["a.wav", "deep/b.wav", "deep/c.wav", "d", "e.wav"])
    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="whole/"
    )["logStreams"]
    names = [stream["logStreamName"].rpartition("-")[0] for stream in streams]
    assert sorted(names) == ["whole/algo-1", "whole/algo-2"]


def test_one_host_that_fails_fails_the_job_and_what_went_up_before_stays(
    client: Client, role: str
) -> None:
    found = run(client, job("one-fails", role, "algo-2"))
    assert found["ProcessingJobStatus"] == "Failed"
    assert found["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert found["ExitMessage"] == "algo-1 has 2;algo-2 has 2;"
    outputs = below(client, "one-fails")
    assert {"early/algo-2.txt", "late/algo-1.json"} <= set(outputs)
    assert "late/algo-2.json" not in outputs


def test_a_container_that_is_killed_has_left_its_message(client: Client, role: str) -> None:
    faults.current.killed = {"algo-1"}
    try:
        found = run(client, job("killed", role, "slow", hosts=1))
    finally:
        faults.clear()
    assert found["ProcessingJobStatus"] == "Failed"
    assert found["ExitMessage"] == "algo-1 has 4;"


def test_a_job_can_be_stopped_and_ends_at_its_limit(client: Client, role: str) -> None:
    api = client("sagemaker")
    api.create_processing_job(**job("stopped", role, "slow"))
    limit = {"MaxRuntimeInSeconds": 1}
    api.create_processing_job(**job("too-long", role, "slow", StoppingCondition=limit))
    until(lambda: below(client, "stopped"))
    api.stop_processing_job(ProcessingJobName="stopped")
    assert ended(client, "stopped")["ProcessingJobStatus"] == "Stopped"
    assert ended(client, "too-long")["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        api.stop_processing_job(ProcessingJobName="stopped")
    with pytest.raises(ClientError, match="names must be unique"):
        api.create_processing_job(**job("stopped", role))


def test_the_roles_policy_decides_what_a_job_writes(client: Client, role: str) -> None:
    request = job("elsewhere", role, hosts=1)
    iam.DENIED.clear()
    request["ProcessingOutputConfig"]["Outputs"][1]["S3Output"]["S3Uri"] = f"s3://{BUCKET}/audio/x"
    found = run(client, request)
    assert found["ProcessingJobStatus"] == "Failed"
    assert "AccessDenied" in found["FailureReason"]
    assert [call.action for call in iam.DENIED] == ["s3:PutObject"]
    iam.DENIED.clear()


def test_a_quota_is_that_of_processing(client: Client, role: str) -> None:
    faults.current.no_quota = {"ml.m5.xlarge"}
    try:
        with pytest.raises(ClientError, match=r"'ml\.m5\.xlarge for processing job usage' is 0"):
            client("sagemaker").create_processing_job(**job("no-quota", role))
    finally:
        faults.clear()


def test_an_input_without_objects_and_a_path_elsewhere_fail_the_job(
    client: Client, role: str
) -> None:
    request = job("nothing", role)
    source = request["ProcessingInputs"][0]["S3Input"]
    source |= {"S3Uri": f"s3://{BUCKET}/empty/", "S3DataType": "S3Prefix"}
    assert "No S3 objects found" in run(client, request)["FailureReason"]
    request = job("path", role)
    request["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/input"
    assert "must begin with /opt/ml/processing/" in run(client, request)["FailureReason"]
