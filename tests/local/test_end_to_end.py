"""The product on the stand-in, from deployment to sound: the promises that need all its parts."""

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from local import faults, iam
from local.aws import role_environment
from tests.local.deployment import (
    ACCOUNT,
    REGION,
    REPOSITORY,
    Client,
    Deployed,
    bootstrap,
    deploy,
    outputs,
)
from tests.local.tones import RATE, tone
from tests.local.waiting import until

PITCHES = {"low": 200, "high": 900}  # Hz; the labels are not those of the starter model
# a small model: what is tried here is its way; the demo's test has one of default size
ONE_EPOCH = {
    "epochs": 1,
    "channels": 16,
    "vocoder": False,
    "griffin_lim_iterations": 2,
    "evaluation_sounds": 0,
}


@pytest.fixture(scope="module")
def deployed(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Deployed once; by the CDK's own command line it is where the pages' commands are tried."""
    assembly = tmp_path_factory.mktemp("cdk") / "cdk.out"
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    environment = {"CDK_OUTDIR": str(assembly), "CDK_CONTEXT_JSON": json.dumps(context)}
    app = [sys.executable, "app.py"]
    subprocess.run(app, cwd=REPOSITORY, env=os.environ | environment, check=True)
    bootstrap(client)
    iam.DENIED.clear()
    deploy(assembly, client)
    yield Deployed(client, assembly)
    client("sagemaker").delete_endpoint(EndpointName=outputs(client)["EndpointName"])


@pytest.fixture(scope="module")
def promoted(deployed: Deployed) -> str:
    """The URL of a model that an execution has trained on two tones and promoted."""
    for label, frequency in PITCHES.items():
        for number in range(12):
            deployed.client("s3").put_object(
                Bucket=deployed.bucket,
                Key=f"audio/{label}_{number}.wav",
                Body=tone(frequency * (1 + number / 100), 0.5),
            )
    assert deployed.sound({"label": "seven"}).getnframes() > 0, "the starter does not answer"
    execution = deployed.start({"Comment": "Insert your JSON here", "hyperparameters": ONE_EPOCH})
    answer = deployed.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    output = json.loads(answer["output"])
    assert math.isfinite(output["metrics"]["val_loss"])
    return output["model"]


def test_an_execution_trains_promotes_and_the_endpoint_sings_the_new_labels(
    deployed: Deployed, promoted: str
) -> None:
    assert deployed.served_model() == deployed.recorded_model() == promoted
    for label in PITCHES:
        sound = deployed.sound({"label": label})
        assert sound.getframerate() == RATE
        assert sound.getnframes() > RATE / 4
        assert any(sound.readframes(sound.getnframes()))
    with pytest.raises(ClientError) as refused:  # a label of the starter model's
        deployed.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=deployed.outputs["EndpointName"],
            Body=b'{"label": "seven"}',
            ContentType="application/json",
            Accept="application/json",
        )
    assert refused.value.response["OriginalStatusCode"] == 400
    sentence = json.loads(refused.value.response["OriginalMessage"])["description"]
    assert 'one of "high", "low"' in sentence


def test_nothing_in_the_happy_path_lacks_a_permission(promoted: str) -> None:
    assert iam.DENIED == []


def test_the_job_leaves_its_epochs_in_cloudwatch_logs(deployed: Deployed, promoted: str) -> None:
    job = deployed.jobs()[0]["TrainingJobName"]
    assert any(line.startswith("figures: epoch=1 ") for line in deployed.log_of(job))


def test_real_training_goes_on_after_a_spot_interruption_and_leaves_its_report(
    deployed: Deployed, promoted: str
) -> None:
    epochs = 3
    faults.current.interrupt_after, faults.current.warning_seconds = [0.2], 0  # SIGKILL
    hyperparameters = {**ONE_EPOCH, "epochs": epochs}
    try:
        output = deployed.run(
            {"hyperparameters": hyperparameters, "promote": "never", "spot": True}
        )
    finally:
        faults.clear()
    job = deployed.jobs()[-1]
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == 1
    numbers = (
        re.match(r"figures: epoch=(\d+) ", line) for line in deployed.log_of(output["training_job"])
    )
    learned = [int(number[1]) for number in numbers if number]
    assert learned[-1] == epochs
    assert all(after - before in (0, 1) for before, after in pairwise(learned)), learned
    names = deployed.files_of(output["report"])
    assert any(name.endswith((".png", ".html", ".md")) for name in names)


def test_two_machines_train_one_model_and_go_on_after_one_of_them_was_killed(
    deployed: Deployed, promoted: str
) -> None:
    epochs = 30
    request = {
        "hyperparameters": {**ONE_EPOCH, "epochs": epochs},
        "instance_count": 2,
        "promote": "never",
    }
    before = len(deployed.jobs())
    execution = deployed.start(request)
    job = deployed.job_that_said("figures: epoch=2 ", execution, before)  # it has a checkpoint
    [victim] = [process for process in psutil.process_iter(["cmdline"]) if trains(process, job, 2)]
    victim.kill()
    answer = deployed.finish(execution)
    assert answer["status"] == "SUCCEEDED", answer.get("cause")
    output = json.loads(answer["output"])
    lost, ended = deployed.jobs()[-2:]
    assert output["training_job"] == ended["TrainingJobName"]
    assert lost["TrainingJobStatus"] == "Failed"
    assert lost["ResourceConfig"] == ended["ResourceConfig"]
    log = deployed.log_of(ended["TrainingJobName"])
    assert any(line.startswith("going on after epoch ") for line in log)
    said = [line for line in log if line.startswith(f"figures: epoch={epochs} ")]
    assert len(said) == 1, "only the first machine says what becomes of the run"
    assert any("machine 2 of 2" in line for line in log)
    assert math.isfinite(output["metrics"]["val_loss"])
    assert output["data"]["clips"] == 24, "the report is on all sounds"
    files = deployed.files_of(output["model"])
    assert sum(name.endswith("saved_model.pb") for name in files) == 1
    assert any(name.endswith("report.html") for name in deployed.files_of(output["report"]))


def test_four_machines_train_one_model_from_a_quarter_of_the_sounds_each(
    deployed: Deployed, promoted: str
) -> None:
    request = {"hyperparameters": ONE_EPOCH, "instance_count": 4, "promote": "never"}
    output = deployed.run(request)
    log = deployed.log_of(output["training_job"])
    for machine in (2, 3, 4):
        assert any(f"machine {machine} of 4" in line for line in log)
    assert sum(line.startswith("figures: epoch=1 ") for line in log) == 1
    assert math.isfinite(output["metrics"]["val_loss"])
    assert output["data"]["labels"] == dict.fromkeys(PITCHES, 12), "the report is on all sounds"


def trains(process: psutil.Process, job: str, machine: int) -> bool:
    """Whether it runs train.py for this machine of a job."""
    try:
        words, environment = process.info["cmdline"] or [], process.environ()
    except psutil.Error:
        return False
    of, host = (environment.get(name) for name in ("TRAINING_JOB_NAME", "SM_CURRENT_HOST"))
    return "train.py" in words and (of, host) == (job, f"127.0.0.{machine}")


def test_what_is_learnt_from_prepared_sounds_is_the_same_to_the_last_digit(
    deployed: Deployed, promoted: str
) -> None:
    api, machine = deployed.client("stepfunctions"), deployed.outputs["StateMachineArn"]
    first = api.list_executions(stateMachineArn=machine)["executions"][-1]["executionArn"]
    as_they_are = json.loads(api.describe_execution(executionArn=first)["output"])
    request = {"hyperparameters": ONE_EPOCH, "promote": "never", "prepare": "always"}
    output = deployed.run(request)
    about = output["preparation"]
    assert (about["new"], about["unchanged"], about["gone"]) == (24, 0, 0)
    found, wanted = (
        figures.get("full_val_loss", figures["val_loss"])
        for figures in (output["metrics"], as_they_are["metrics"])
    )
    assert found == wanted
    for name in ("clips", "labels", "warnings"):
        assert output["data"][name] == as_they_are["data"][name]
    assert deployed.run(request)["preparation"]["new"] == 0
    assert iam.DENIED == []


def test_a_deploy_of_the_same_stack_keeps_the_promoted_model(
    deployed: Deployed, promoted: str
) -> None:
    deploy(deployed.assembly, deployed.client)
    assert deployed.served_model() == deployed.recorded_model() == promoted


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"hyperparameters": {"epoch": 3}}, ["epoch", "epochs"]),
        ({"hyperparameters": {"epochs": "many"}}, ["epochs", "many"]),
        ({"data": "audio/nothing/"}, ["audio/nothing/", "wav"]),
        ({"data": "audio/notes/"}, ["audio/notes/", "wav"]),
    ],
)
def test_a_mistake_in_the_input_is_named_and_the_endpoint_goes_on(
    deployed: Deployed, promoted: str, request_: dict[str, Any], named: list[str]
) -> None:
    deployed.client("s3").put_object(
        Bucket=deployed.bucket, Key="audio/notes/read-me.txt", Body=b"no sound"
    )
    answer = deployed.finish(deployed.start(request_))
    assert answer["status"] == "FAILED"
    for word in named:
        assert word in answer["cause"]
    assert deployed.served_model() == promoted
    assert deployed.sound({"label": "high"}).getnframes() > 0


def test_the_scripts_own_sentence_reaches_the_cause(deployed: Deployed, promoted: str) -> None:
    for name in ("broken_1.wav", "broken_2.wav"):
        key = f"audio/broken/{name}"
        deployed.client("s3").put_object(Bucket=deployed.bucket, Key=key, Body=b"RIFF, no sound")
    answer = deployed.finish(deployed.start({"data": "audio/broken/"}))
    assert answer["status"] == "FAILED"
    assert "broken_1.wav" in answer["cause"] or "none could be read" in answer["cause"]
    assert "Traceback" not in answer["cause"]


def test_the_consoles_own_input_trains_and_stopping_the_execution_stops_the_job(
    deployed: Deployed, promoted: str
) -> None:
    before = len(deployed.job_names())
    execution = deployed.start({"Comment": "Insert your JSON here"})
    deployed.wait_for_state(execution, "Train the model")
    (name,) = until(lambda: deployed.job_names()[before:])
    assert "epochs" not in deployed.job(name)["HyperParameters"]  # train.py's own defaults
    deployed.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: deployed.job(name)["TrainingJobStatus"] not in ("InProgress", "Stopping"))
    assert deployed.job(name)["TrainingJobStatus"] == "Stopped"


def test_a_job_can_neither_read_nor_write_outside_its_prefixes(deployed: Deployed) -> None:
    resources = deployed.client("cloudformation").list_stack_resources(StackName=deployed.stack)
    role = next(
        f"arn:aws:iam::{ACCOUNT}:role/{resource['PhysicalResourceId']}"
        for resource in resources["StackResourceSummaries"]
        if resource["LogicalResourceId"].startswith("ExecutionRole")
        and resource["ResourceType"] == "AWS::IAM::Role"
    )
    owner = deployed.client("s3")
    owner.put_object(Bucket=deployed.bucket, Key="private/diary.txt", Body=b"dear diary")
    owner.create_bucket(Bucket="somebody-elses")
    owner.put_object(Bucket="somebody-elses", Key="audio/a.wav", Body=b"x")
    session = role_environment(role, "sagemaker.amazonaws.com", REGION)
    s3 = boto3.client(
        "s3",
        aws_access_key_id=session["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=session["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=session["AWS_SESSION_TOKEN"],
    )
    for forbidden in (
        lambda: s3.get_object(Bucket=deployed.bucket, Key="private/diary.txt"),
        lambda: s3.list_objects_v2(Bucket=deployed.bucket),
        lambda: s3.put_object(Bucket=deployed.bucket, Key="audio/new.wav", Body=b"x"),
        lambda: s3.delete_object(Bucket=deployed.bucket, Key="audio/low_0.wav"),
        lambda: s3.get_object(Bucket="somebody-elses", Key="audio/a.wav"),
    ):
        with pytest.raises(ClientError) as denied:
            forbidden()
        assert denied.value.response["Error"]["Code"] == "AccessDenied"
