"""Jobs really run through the toolkit, endpoints really serve, and both fail as on AWS."""

import contextlib
import gzip
import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local import clock, faults
from local.sagemaker import endpoint
from tests.local.deployment import ACCOUNT, REGION, Client, MakeRole

BUCKET = "sagemaker-tests"
SCRIPT = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--mode")
parser.add_argument("--epochs", type=int)
arguments, _ = parser.parse_known_args()
if arguments.mode == "sentence":
    base = pathlib.Path(os.environ["SM_OUTPUT_DIR"])
    (base / "failure").write_text("There is no sound in the channel.")
    sys.exit(1)
if arguments.mode == "crash":
    raise ValueError("epochs are odd")
if arguments.mode == "odd":
    print("epoch=1 val_loss=0.5")
    print("epoch=2 val_loss=0.9.")
if arguments.mode == "summary":
    pathlib.Path(os.environ["SM_INPUT_DIR"], "..", "kept", "summary.json").write_text("{}")
if arguments.mode == "endless":
    time.sleep(600)
sounds = sorted(p.name for p in pathlib.Path(os.environ["SM_CHANNEL_DATA"]).rglob("*.wav"))
for epoch in range(0 if arguments.mode == "odd" else arguments.epochs):
    print(f"epoch={epoch + 1} val_loss={-0.5 * epoch} sounds={len(sounds)}")
pathlib.Path(os.environ["SM_MODEL_DIR"], "notes.txt").write_text(" ".join(sounds))
"""
HANDLER = """
def handler(data, context):
    return "NUMBER", "text/plain"
"""
ECHO = """
def handler(data, context):
    if context.accept_header == "echo":
        return data.read(), "audio/wav"
    return "model 1", "text/plain"
"""


def archive(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return content.getvalue()


@pytest.fixture(scope="module")
def role(client: Client, make_role: MakeRole) -> str:
    """An execution role for one bucket, which holds two sounds and the script's bundle."""
    client("s3").create_bucket(Bucket=BUCKET)
    for name, body in {
        "audio/a.wav": b"a",
        "audio/deep/b.wav": b"b",
        "code/sourcedir.tar.gz": archive({"train.py": SCRIPT.encode()}),
    }.items():
        client("s3").put_object(Bucket=BUCKET, Key=name, Body=body)
    return make_role(
        "execution",
        "sagemaker.amazonaws.com",
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/output/*"},
        {"Action": "logs:*", "Resource": "*"},
    )


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
    ended: dict[str, Any] = {}
    for mode in ("good", "sentence", "crash", "endless"):
        while True:
            ended[mode] = api.describe_training_job(TrainingJobName=mode)
            if ended[mode]["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
                break
            time.sleep(0.2)
    return ended


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
    while True:
        found = client("sagemaker").describe_training_job(TrainingJobName=name)
        if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return found
        time.sleep(0.1)


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
    deadline = time.monotonic() + 10
    while not (found := ended(client, "lagging")["FinalMetricDataList"]):
        assert time.monotonic() < deadline
    assert [(m["MetricName"], m["Value"]) for m in found] == [("val_loss", -1.0)]


def test_a_number_that_is_none_is_no_metric_and_no_failure(client: Client, role: str) -> None:
    client("sagemaker").create_training_job(**job("odd", role, "odd"))
    found = ended(client, "odd")
    assert found["TrainingJobStatus"] == "Completed", found.get("FailureReason")
    assert [(m["MetricName"], m["Value"]) for m in found["FinalMetricDataList"]] == [
        ("val_loss", 0.5)
    ]


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


def test_a_model_whose_artifact_the_role_cannot_read_is_refused(client: Client, role: str) -> None:
    with pytest.raises(ClientError, match="Could not access model data"):
        make_model(client, role, "unreadable", f"s3://{BUCKET}-other/model.tar.gz")


def make_model(client: Client, role: str, name: str, url: str) -> None:
    api = client("sagemaker")
    api.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": "image", "ModelDataUrl": url},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    api.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def settled(client: Client, name: str) -> dict[str, Any]:
    while True:
        endpoint = client("sagemaker").describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in ("Creating", "Updating"):
            return endpoint
        time.sleep(0.1)


def ask(client: Client, name: str) -> bytes:
    answer = client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"{}")
    return answer["Body"].read()


def test_an_update_that_fails_leaves_the_former_model_serving(client: Client, role: str) -> None:
    api = client("sagemaker")
    saved = constant_model()
    for number in ("1", "2"):
        handler = HANDLER.replace("NUMBER", f"model {number}").encode()
        body = archive({**saved, "code/inference.py": handler})
        client("s3").put_object(Bucket=BUCKET, Key=f"models/{number}.tar.gz", Body=body)
        make_model(client, role, f"model-{number}", f"s3://{BUCKET}/models/{number}.tar.gz")
    client("s3").put_object(Bucket=BUCKET, Key="models/bad.tar.gz", Body=gzip.compress(b"bad"))
    make_model(client, role, "model-bad", f"s3://{BUCKET}/models/bad.tar.gz")

    api.create_endpoint(EndpointName="voice", EndpointConfigName="model-1")
    assert settled(client, "voice")["EndpointStatus"] == "InService"
    assert ask(client, "voice") == b"model 1"

    api.update_endpoint(EndpointName="voice", EndpointConfigName="model-bad")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        api.update_endpoint(EndpointName="voice", EndpointConfigName="model-2")
    failed = settled(client, "voice")
    assert (failed["EndpointStatus"], failed["EndpointConfigName"]) == ("InService", "model-1")
    assert "Failed to download model data" in failed["FailureReason"]
    assert ask(client, "voice") == b"model 1"

    api.update_endpoint(EndpointName="voice", EndpointConfigName="model-2")
    assert ask(client, "voice") == b"model 1", "it must serve while it is updated"
    assert settled(client, "voice")["EndpointConfigName"] == "model-2"
    assert ask(client, "voice") == b"model 2"

    api.delete_endpoint(EndpointName="voice")
    with pytest.raises(ClientError, match="not found"):
        ask(client, "voice")


def test_a_roles_first_request_after_an_update_meets_a_cold_start(
    client: Client, make_role: MakeRole, voice: str
) -> None:
    from local.aws import client_as

    invoke = {"Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    states = "states.amazonaws.com"
    runtime = client_as(make_role("caller", states, invoke), states, "sagemaker-runtime", REGION)

    statuses = set()

    def refusals() -> int:
        for number in range(5):
            try:
                runtime.invoke_endpoint(EndpointName=voice, Body=b"{}")
                return number
            except runtime.exceptions.ModelNotReadyException as refused:
                statuses.add(refused.response["ResponseMetadata"]["HTTPStatusCode"])
        raise AssertionError("it never warms up")

    def update() -> None:
        client("sagemaker").update_endpoint(EndpointName=voice, EndpointConfigName="of-voice")
        assert settled(client, voice)["EndpointStatus"] == "InService"

    assert [refusals(), refusals()] == [1, 0]
    assert statuses == {429}
    update()
    assert ask(client, voice) == b"model 1", "the owner has the answer"
    assert refusals() == 0, "and has warmed it up"
    faults.add(["cold-starts=3"])
    update()
    with pytest.raises(ClientError, match="ModelNotReadyException"):
        ask(client, voice)
    assert refusals() == 2
    faults.clear()


def test_a_request_that_is_not_text_reaches_the_container_as_it_is(
    client: Client, voice: str
) -> None:
    body = bytes(range(256))
    for kind in ("audio/wav", "application/x-www-form-urlencoded"):
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=voice, Body=body, ContentType=kind, Accept="echo"
        )
        assert answer["Body"].read() == body
    with pytest.raises(ClientError) as error:
        client("sagemaker-runtime").invoke_endpoint(EndpointName="no-such", Body=body)
    assert error.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("body", [b"{}", bytes(range(256))])
def test_a_request_that_is_not_signed_is_refused_in_json(stand_in: str, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "audio/wav"):
        answer = requests.post(
            f"{stand_in}/endpoints/voice/invocations",
            data=body,
            headers={"Content-Type": kind},
            timeout=10,
        )
        assert answer.status_code == 403
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert answer.json() == {"message": "Missing Authentication Token"}


def test_a_deleted_endpoint_leaves_no_model_server(client: Client, voice: str) -> None:
    from moto.sagemaker.models import sagemaker_backends  # knows the port once the server runs

    server = endpoint.acquire(
        sagemaker_backends[ACCOUNT][REGION].describe_model("of-voice"), voice, REGION
    )
    endpoint.release(server)
    assert server.alive(), "it is the one that serves the endpoint"
    client("sagemaker").delete_endpoint(EndpointName=voice)
    assert not server.alive()


@pytest.fixture
def voice(client: Client, role: str) -> Iterator[str]:
    """The name of an endpoint that answers "model 1", or with the request's body if asked to."""
    body = archive({**constant_model(), "code/inference.py": ECHO.encode()})
    client("s3").put_object(Bucket=BUCKET, Key="models/voice.tar.gz", Body=body)
    api = client("sagemaker")
    if not api.list_models(NameContains="of-voice")["Models"]:
        make_model(client, role, "of-voice", f"s3://{BUCKET}/models/voice.tar.gz")
    api.create_endpoint(EndpointName="a-voice", EndpointConfigName="of-voice")
    assert settled(client, "a-voice")["EndpointStatus"] == "InService"
    yield "a-voice"
    with contextlib.suppress(ClientError):
        api.delete_endpoint(EndpointName="a-voice")


def constant_model() -> dict[str, bytes]:
    """Return the files of the smallest SavedModel."""
    import tempfile
    from pathlib import Path

    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(
        lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, f"{folder}/1", signatures={"serving_default": module.f})
        files = [p for p in Path(folder).rglob("*") if p.is_file()]
        return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_an_endpoint_that_does_not_exist_is_a_validation_error(client: Client) -> None:
    with pytest.raises(ClientError) as error:
        client("sagemaker-runtime").invoke_endpoint(EndpointName="no-such", Body=json.dumps({}))
    assert error.value.response["Error"]["Code"] == "ValidationError"
