"""Sounds in bulk: made by real containers of the served model, and gone on with when cut short."""

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.app import app
from local import faults, iam
from tests.local.deployment import Deployed
from tests.local.scenarios.permissions import role_of
from tests.local.waiting import until

TYPES = ("ml.c5.xlarge", "ml.m5.xlarge")
LONG = 3000  # sounds of a request that takes some seconds


def archives(product: Deployed, output: dict[str, Any]) -> dict[str, dict[str, bytes]]:
    """The files in every archive of a run, by the archive's name."""
    bucket, _, prefix = output["where"].removeprefix("s3://").partition("/")
    s3 = product.client("s3")
    found = {}
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            files = {member.name: tar.extractfile(member) for member in tar}
            found[item["Key"].removeprefix(prefix)] = {n: f.read() for n, f in files.items() if f}
    return found


def index(files: dict[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["index.jsonl"].splitlines()]


def put(product: Deployed, folder: str, *files: list[Any]) -> str:
    """Write files of requests into a folder; return its name."""
    for number, requests in enumerate(files):
        lines = [one if isinstance(one, str) else json.dumps(one) for one in requests]
        product.client("s3").put_object(
            Bucket=product.bucket, Key=f"{folder}{number}.jsonl", Body="\n".join(lines).encode()
        )
    return folder


def answered(product: Deployed, request: dict[str, Any]) -> list[bytes]:
    """The WAV files of the endpoint's answer."""
    answer = product.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=product.endpoint, ContentType="application/json", Body=json.dumps(request)
    )
    return [base64.b64decode(sound["wav"]) for sound in json.load(answer["Body"])["sounds"]]


def transforms(product: Deployed) -> list[dict[str, Any]]:
    """The transform jobs of this stack, oldest first."""
    api = product.client("sagemaker")
    names = [
        job["TransformJobName"]
        for job in api.list_transform_jobs()["TransformJobSummaries"]
        if job["TransformJobName"].startswith(f"{product.endpoint}--")
    ]
    return [api.describe_transform_job(TransformJobName=name) for name in names]


def test_a_count_of_each_label_becomes_the_sounds_that_the_endpoint_makes_of_these_seeds(
    product: Deployed,
) -> None:
    output = product.run({"generate": {"labels": {"seven": 3, "three": 2}, "seed": 7}})
    assert (output["sounds"], output["files"], output["lines_refused"]) == (5, 2, 0)
    assert product.etag(output["made_with"]) == product.etag(product.served_model())
    assert output["instance_type"] == TYPES[0]
    found = archives(product, output)
    assert set(found) == {"00000.jsonl.out", "00001.jsonl.out"}
    for files, label, count in zip(found.values(), ("seven", "three"), (3, 2), strict=True):
        (line,) = index(files)
        assert [sound["seed"] for sound in line["sounds"]] == list(range(7, 7 + count))
        made = [files[sound["file"]] for sound in line["sounds"]]
        assert made == answered(product, {"label": label, "count": count, "seed": 7})


def test_bad_lines_have_their_sentences_and_the_others_their_sounds(product: Deployed) -> None:
    requests = [
        {"label": "seven", "count": 2},
        {"label": "cowbell"},
        "{",
        {"from": "three", "to": "seven", "steps": 3},
        {"count": 0},
    ]
    put(product, "requests/mixed-", requests)
    output = product.run({"generate": {"requests": "requests/mixed-0.jsonl"}})
    assert (output["sounds"], output["lines"], output["lines_refused"]) == (5, 5, 3)
    (first,) = output["first_refused"]
    assert first.startswith('mixed-0.jsonl, line 2: label is "cowbell": it must be one of "')
    (files,) = archives(product, output).values()
    refused = {line["line"]: line.get("refused", "") for line in index(files)}
    assert "cowbell" in refused[2]
    assert "not JSON" in refused[3]
    assert refused[5].startswith("count is 0: it must be an integer from 1 to")
    assert len([name for name in files if name.endswith(".wav")]) == 5


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        ({"labels": {"sevn": 3}}, 'refuses what generate asks for: label is "sevn": it must be'),
        ({"requests": "requests/nowhere/"}, "There is no file of requests at s3://"),
        ({"resume": "scenarios--nobody"}, "There is no run scenarios--nobody to go on with"),
        ({"labels": {"seven": 0}}, "generate.labels must be an object of 1 to 200 labels"),
    ],
)
def test_a_wrong_wish_fails_before_anything_costs_money(
    product: Deployed, generate: dict[str, Any], words: str
) -> None:
    before, made = len(transforms(product)), product.made()
    assert words in product.fail({"generate": generate}, error="SoundVae.WrongInput")
    assert len(transforms(product)) == before
    assert product.made() == made


def test_a_run_that_is_aborted_half_way_makes_only_the_missing_files_again(
    product: Deployed,
) -> None:
    files: list[list[Any]] = [
        [{"label": "seven"}],
        [{"label": "three"}],
        [{"count": LONG}],
        [{"count": 1}],
    ]
    folder = put(product, "requests/half/", *files)
    before = len(transforms(product))
    execution = product.start({"generate": {"requests": folder}, "instance_count": 2})
    until(lambda: len(transforms(product)) >= before + 2)  # a job has two files
    product.client("stepfunctions").stop_execution(executionArn=execution)
    product.finish(execution)
    until(lambda: transforms(product)[-1]["TransformJobStatus"] == "Stopped")
    run = transforms(product)[-1]["ModelName"].removesuffix("--batch")
    output = product.run({"generate": {"resume": run}})
    assert (output["run"], output["files"], output["sounds"]) == (run, 4, LONG + 3)
    (job,) = output["transform_jobs"]
    source = transforms(product)[-1]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    key = source.partition(f"{product.bucket}/")[2]
    manifest = json.load(product.client("s3").get_object(Bucket=product.bucket, Key=key)["Body"])
    assert transforms(product)[-1]["TransformJobName"] == job
    assert manifest[1:] == ["2.jsonl", "3.jsonl"]
    assert not [name for name in product.made() if name.endswith("--batch")]


def test_a_model_server_that_dies_is_one_sentence_and_what_was_made_is_kept(
    product: Deployed,
) -> None:
    folder = put(product, "requests/dying/", [{"label": "seven"}], [{"count": LONG}])
    faults.add(["container-dies=2"])
    cause = product.fail({"generate": {"requests": folder}}, error="SoundVae.GenerationFailed")
    assert cause.startswith(f"Making the sounds failed on {TYPES[0]} (job {product.endpoint}--")
    assert ": See job logs for more information. What was made is kept: go on with " in cause
    run = json.loads(cause.partition("go on with ")[2].rstrip("."))["generate"]["resume"]
    output = product.run({"generate": {"resume": run}})
    assert (output["files"], output["sounds"], len(output["transform_jobs"])) == (2, LONG + 1, 1)


def test_the_command_asks_follows_and_unpacks(product: Deployed, tmp_path: Path) -> None:
    wishes = tmp_path / "wishes.jsonl"
    wishes.write_text('{"label": "seven", "seed": 1}\n{"label": "cowbell"}\n')
    words = ["--name", product.endpoint, "--json", "generate", "--requests", str(wishes)]
    ended = CliRunner().invoke(app, [*words, "--fetch", str(tmp_path / "sounds")])
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert (said["fetched"], said["refused"]) == (1, 1)
    assert said["where"].startswith(f"s3://{product.bucket}/generated/{product.endpoint}--")
    (wav,) = (tmp_path / "sounds" / "seven").iterdir()
    assert [wav.read_bytes()] == answered(product, {"label": "seven", "seed": 1})


def test_without_a_quota_another_instance_type_makes_the_sounds(product: Deployed) -> None:
    faults.current.no_quota = {TYPES[0]}
    assert product.run({"generate": {"count": 1}})["instance_type"] == TYPES[1]
    faults.current.no_quota = {*TYPES, "ml.c5.2xlarge"}
    cause = product.fail({"generate": {"count": 1}})
    assert f'Raise "{TYPES[0]} for transform job usage" or ' in cause
    faults.clear()
    run = json.loads(cause.partition("go on with ")[2].rstrip("."))["generate"]["resume"]
    assert product.run({"generate": {"resume": run}})["sounds"] == 1


def test_jobs_may_do_what_their_role_may(product: Deployed) -> None:
    api, role = product.client("iam"), role_of(product, "TransformRole")
    deny = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    api.put_role_policy(RoleName=role, PolicyName="taken-away", PolicyDocument=document)
    try:
        cause = product.fail({"generate": {"count": 1}})
    finally:
        api.delete_role_policy(RoleName=role, PolicyName="taken-away")
    assert "AccessDenied" in cause
    assert {(call.role, call.action) for call in iam.DENIED} == {(role, "s3:PutObject")}
    iam.DENIED.clear()
    run = json.loads(cause.partition("go on with ")[2].rstrip("."))["generate"]["resume"]
    assert product.run({"generate": {"resume": run}})["sounds"] == 1
