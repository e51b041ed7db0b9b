"""Jobs really run through the toolkit, and fail, wait and stop as on AWS."""

import io
import re
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import clock, faults
from tests.local.deployment import Client, MakeRole
from tests.local.sagemaker.archives import BUCKET
from tests.local.waiting import until


def job(name: str, role: str, mode: str, **changes: Any) -> dict[str, Any]:
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/audio/"}
    return {
        "TrainingJobName": name,
        "RoleArn": role,
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "val_loss", "Regex": r"\bval_loss=([-+0-9.eE]+)"}],
        },
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://{BUCKET}/code/sourcedir.tar.gz",
            "mode": mode,
            "epochs": "3",
        },
        "InputDataConfig": [{"ChannelName": "data", "DataSource": {"S3DataSource": data}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.g5.xlarge",
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **changes,
    }


@pytest.fixture(scope="module")
def jobs(client: Client, role: str) -> dict[str, Any]:
    """The descriptions of one ended job for each mode of the script; they run side by side."""
    api = client("sagemaker")
    for mode in ("good", "sentence", "crash"):
        api.create_training_job(**job(mode, role, mode))
    limit = {"MaxRuntimeInSeconds": 1}
    api.create_training_job(**job("endless", role, "endless", StoppingCondition=limit))
    found: dict[str, Any] = {}
    for mode in ("good", "sentence", "crash", "endless"):
        found[mode] = ended(client, mode)
    return found


def test_a_job_leaves_its_model_its_metrics_and_its_times(
    client: Client, jobs: dict[str, Any]
) -> None:
    good = jobs["good"]
    assert good["TrainingJobStatus"] == "Completed", good.get("FailureReason")
    assert [(m["MetricName"], m["Value"]) for m in good["FinalMetricDataList"]] == [
        ("val_loss", -1.0)
    ]
    url = f"s3://{BUCKET}/output/good/output/model.tar.gz"
    assert good["ModelArtifacts"]["S3ModelArtifacts"] == url
    body = client("s3").get_object(Bucket=BUCKET, Key="output/good/output/model.tar.gz")["Body"]
    with tarfile.open(fileobj=io.BytesIO(body.read())) as tar:
        notes = tar.extractfile("notes.txt")
        assert notes is not None
        assert notes.read() == b"a.wav b.wav"
    steps = [transition["Status"] for transition in good["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert good["BillableTimeInSeconds"] >= 0


def test_the_scripts_sentence_is_the_failure_reason(jobs: dict[str, Any]) -> None:
    assert jobs["sentence"]["TrainingJobStatus"] == "Failed"
    assert (
        jobs["sentence"]["FailureReason"]
        == "AlgorithmError: There is no sound in the channel., exit code: 1"
    )


def test_a_crash_shows_its_exception_in_the_failure_reason(jobs: dict[str, Any]) -> None:
    reason = jobs["crash"]["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError")
    # The toolkit breaks lines wherever one of its reads of the pipe happened to end.
    assert re.search(r"ValueError:?\s+epochs are odd", reason), reason
    assert reason.endswith("exit code: 1")


def test_a_job_beyond_its_time_is_stopped(jobs: dict[str, Any]) -> None:
    assert jobs["endless"]["TrainingJobStatus"] == "Stopped"
    assert jobs["endless"]["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_jobs_name_is_taken_for_ever(client: Client, role: str, jobs: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ResourceInUse"):
        client("sagemaker").create_training_job(**job("good", role, "good"))


def test_a_channel_without_objects_is_refused_at_once(client: Client, role: str) -> None:
    request = job("nothing", role, "good")
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = f"s3://{BUCKET}/empty/"
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        client("sagemaker").create_training_job(**request)


def test_a_role_that_sagemaker_may_not_assume_is_refused(
    client: Client, make_role: MakeRole
) -> None:
    stranger = make_role("stranger", "lambda.amazonaws.com")
    with pytest.raises(ClientError, match="Could not assume role"):
        client("sagemaker").create_training_job(**job("stranger", stranger, "good"))


def ended(client: Client, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = client("sagemaker").describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return until(found)


@pytest.fixture
def quick() -> Iterator[None]:
    """A tenth of the time for what only waits; no faults afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "speed", 10)
        yield
    faults.clear()


def spot(name: str, role: str, mode: str = "good", run: int = 20, wait: int = 20) -> dict[str, Any]:
    times = {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}
    return job(name, role, mode, StoppingCondition=times, EnableManagedSpotTraining=True)


def test_a_spot_job_without_capacity_waits_as_long_as_it_may(
    client: Client, role: str, quick: None
) -> None:
    faults.add(["no-spot-capacity=ml.g5.xlarge"])
    api = client("sagemaker")
    api.create_training_job(**spot("in-vain", role))
    found = api.describe_training_job(TrainingJobName="in-vain")
    assert found["SecondaryStatus"] == "Starting"
    assert "TrainingStartTime" not in found
    start = time.monotonic()
    found = ended(client, "in-vain")
    assert 1 < time.monotonic() - start < 8, "20 seconds, ten of which pass in one"
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == (
        "Stopped",
        "MaxWaitTimeExceeded",
    )
    steps = [transition["Status"] for transition in found["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Stopping", "MaxWaitTimeExceeded"]
    assert "TrainingStartTime" not in found


def test_max_wait_is_waiting_and_running(client: Client, role: str, quick: None) -> None:
    faults.add(["no-spot-capacity=ml.g5.xlarge"])
    client("sagemaker").create_training_job(**spot("late", role, "endless", run=25, wait=25))
    time.sleep(2)
    faults.clear()
    found = ended(client, "late")
    assert found["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert found["TrainingTimeInSeconds"] < 10, "it has waited about 20 of its 25 seconds"


@pytest.mark.parametrize("times", [{"MaxWaitTimeInSeconds": 19}, {}])
def test_max_wait_below_max_runtime_is_refused(
    client: Client, role: str, times: dict[str, int]
) -> None:
    request = spot("impatient", role)
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 20, **times}
    with pytest.raises(ClientError, match="Invalid MaxWaitTimeInSeconds"):
        client("sagemaker").create_training_job(**request)


def test_max_wait_is_for_spot_jobs_only(client: Client, role: str) -> None:
    request = spot("on-demand", role) | {"EnableManagedSpotTraining": False}
    with pytest.raises(ClientError, match="only supported when EnableManagedSpotTraining is set"):
        client("sagemaker").create_training_job(**request)


def test_metrics_may_be_late(client: Client, role: str, quick: None) -> None:
    faults.add(["metrics-lag=20"])
    client("sagemaker").create_training_job(**job("lagging", role, "good"))
    assert ended(client, "lagging")["FinalMetricDataList"] == []
    found = until(lambda: ended(client, "lagging")["FinalMetricDataList"])
    assert [(m["MetricName"], m["Value"]) for m in found] == [("val_loss", -1.0)]


def test_a_number_that_is_none_is_no_metric_and_no_failure(client: Client, role: str) -> None:
    client("sagemaker").create_training_job(**job("odd", role, "odd"))
    found = ended(client, "odd")
    assert found["TrainingJobStatus"] == "Completed", found.get("FailureReason")
    assert [(m["MetricName"], m["Value"]) for m in found["FinalMetricDataList"]] == [
        ("val_loss", 0.5)
    ]


def test_a_job_whose_requests_to_s3_go_wrong_has_all_of_its_channel(
    client: Client, role: str
) -> None:
    client("sagemaker").create_training_job(**job("unlucky", role, "good"))
    faults.current.mishaps = ["s3:partial", "s3:slow-down", "s3:reset"]
    found = ended(client, "unlucky")
    assert found["TrainingJobStatus"] == "Completed", found.get("FailureReason")
    assert faults.current.mishaps == []


def test_a_job_whose_disk_is_full_says_so(client: Client, role: str) -> None:
    request = job("full", role, "good")
    faults.current.disk_full = {request["ResourceConfig"]["InstanceType"]}
    client("sagemaker").create_training_job(**request)
    reason = ended(client, "full")["FailureReason"]
    faults.clear()
    assert "No space left on device" in reason


@pytest.mark.parametrize("key", ["up/../../../../../outside.txt", "up//outside.txt"])
def test_a_key_that_leads_out_of_its_folder_fails_the_job(
    client: Client, role: str, key: str
) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")
    client("s3").put_object(Bucket=BUCKET, Key="up/in.wav", Body=b"x")
    channel = f"{'slashes' if '//' in key else 'dots'}-in-channel"
    request = job(channel, role, "good")
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = f"s3://{BUCKET}/up/"
    client("sagemaker").create_training_job(**request)
    checkpoints = {"S3Uri": f"s3://{BUCKET}/up/", "LocalPath": "/opt/ml/checkpoints"}
    restored = channel.replace("channel", "checkpoints")
    request = job(restored, role, "good", CheckpointConfig=checkpoints)
    client("sagemaker").create_training_job(**request)
    for name in (channel, restored):
        reason = ended(client, name)["FailureReason"]
        assert "rename the object so that its key has neither '..' nor '//'" in reason
    client("s3").delete_object(Bucket=BUCKET, Key=key)


def test_what_is_written_last_is_in_s3_before_the_job_is_completed(
    client: Client, role: str
) -> None:
    checkpoints = {"S3Uri": f"s3://{BUCKET}/output/checkpoints/run", "LocalPath": "/opt/ml/kept"}
    request = job("summing-up", role, "summary", CheckpointConfig=checkpoints)
    client("sagemaker").create_training_job(**request)
    assert ended(client, "summing-up")["TrainingJobStatus"] == "Completed"
    key = "output/checkpoints/run/summary.json"
    assert client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"{}"


def test_what_is_written_for_tensorboard_is_in_s3_while_the_job_runs(
    client: Client, role: str
) -> None:
    config = {"S3OutputPath": f"s3://{BUCKET}/output/"}
    request = job("watched", role, "watched", TensorBoardOutputConfig=config)
    client("sagemaker").create_training_job(**request)
    key = "output/watched/tensorboard-output/samples/low.wav"
    s3 = client("s3")
    found = until(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=key).get("Contents"))
    assert [item["Key"] for item in found] == [key]
    status = client("sagemaker").describe_training_job(TrainingJobName="watched")
    assert status["SecondaryStatus"] == "Training"
    client("sagemaker").stop_training_job(TrainingJobName="watched")
    assert ended(client, "watched")["TrainingJobStatus"] == "Stopped"
    assert client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"a sound"


def test_a_reserved_path_for_tensorboard_is_refused(client: Client, role: str) -> None:
    config = {"S3OutputPath": f"s3://{BUCKET}/output", "LocalPath": "/opt/ml/output/tensorboard"}
    request = job("reserved", role, "good", TensorBoardOutputConfig=config)
    with pytest.raises(ClientError, match="cannot start with the following reserved path"):
        client("sagemaker").create_training_job(**request)


def test_an_isolated_job_has_its_channels_and_no_network(client: Client, role: str) -> None:
    api = client("sagemaker")
    isolated = {"EnableNetworkIsolation": True}
    api.create_training_job(**job("alone", role, "good", **isolated))
    reason = ended(client, "alone")["FailureReason"]
    assert reason.startswith("AlgorithmError")
    request = job("alone-with-code", role, "good", **isolated)
    code = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/code/"}
    request["InputDataConfig"].append({"ChannelName": "code", "DataSource": {"S3DataSource": code}})
    request["HyperParameters"]["sagemaker_submit_directory"] = (
        "/opt/ml/input/data/code/sourcedir.tar.gz"
    )
    api.create_training_job(**request)
    found = ended(client, "alone-with-code")
    assert found["TrainingJobStatus"] == "Completed", found.get("FailureReason")


def test_a_key_for_the_volume_is_refused_where_the_disk_is_local(client: Client, role: str) -> None:
    api = client("sagemaker")
    for kind, is_local in {
        "ml.g5.xlarge": True,
        "ml.g4dn.xlarge": True,
        "ml.p4d.24xlarge": True,
        "ml.m5d.large": True,
        "ml.m5.large": False,
        "ml.c5n.xlarge": False,
        "ml.p3.2xlarge": False,
    }.items():
        request = job(kind.replace(".", "-"), role, "good")
        volume = {"InstanceType": kind, "VolumeKmsKeyId": "k", "VolumeSizeInGB": 5000}
        request["ResourceConfig"] |= volume
        del request["InputDataConfig"]
        if is_local:
            with pytest.raises(ClientError, match="can't request a VolumeKmsKeyId"):
                api.create_training_job(**request)
        else:
            api.create_training_job(**request)
            api.stop_training_job(TrainingJobName=request["TrainingJobName"])


def test_a_job_in_a_vpc_needs_a_role_that_may_make_interfaces(
    client: Client, role: str, make_role: MakeRole
) -> None:
    api, ec2 = client("sagemaker"), client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    vpc = {"Subnets": [subnet], "SecurityGroupIds": [group]}
    with pytest.raises(ClientError, match="ec2:CreateNetworkInterface, "):
        api.create_training_job(**job("in-vpc", role, "good", VpcConfig=vpc))
    everything = {"Action": "*", "Resource": "*"}
    able = make_role("in-a-vpc", "sagemaker.amazonaws.com", everything)
    wrong = {**vpc, "Subnets": ["subnet-0123456789abcdef0"]}
    with pytest.raises(ClientError, match="subnet-0123456789abcdef0"):
        api.create_training_job(**job("in-vpc", able, "good", VpcConfig=wrong))
    api.create_training_job(**job("in-vpc", able, "good", VpcConfig=vpc))
    assert ended(client, "in-vpc")["VpcConfig"] == vpc
