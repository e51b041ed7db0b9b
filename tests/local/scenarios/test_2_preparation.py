"""Sounds are prepared once, on as many machines as are asked for, and only those that are new.

The scenarios share one folder of sounds: what one leaves there is what the next one finds.
"""

import json
import re
from typing import Any

import pytest

from local import faults, iam
from tests.local.deployment import Deployed
from tests.local.scenarios.permissions import role_of
from tests.local.tones import upload
from tests.local.waiting import until

FOLDER = "audio/library/"
SOUNDS = 600
REQUEST = {"data": FOLDER, "prepare": "always", "instance_count": 2, "promote": "never"}


@pytest.fixture(scope="module", autouse=True)
def sounds(product: Deployed) -> list[str]:
    names = [f"{('low', 'high')[n % 2]}_{n:03}.wav" for n in range(SOUNDS)]
    upload(product, FOLDER, names)
    return names


def shards(product: Deployed) -> dict[str, str]:
    """The shards that are in the bucket, with what tells their content apart."""
    return {
        item["Key"].rpartition("/")[2]: item["ETag"]
        for item in prepared(product)
        if item["Key"].endswith(".tfrecord")
    }


def prepared(product: Deployed) -> list[dict[str, Any]]:
    """All that lies below prepared/."""
    pages = product.client("s3").get_paginator("list_objects_v2")
    where = {"Bucket": product.bucket, "Prefix": "prepared/"}
    return [item for page in pages.paginate(**where) for item in page.get("Contents", [])]


def named(product: Deployed) -> list[str]:
    """The files that the manifest's parts name, as often as they do."""
    s3 = product.client("s3")
    names = []
    for item in prepared(product):
        if "/parts/" in item["Key"]:
            body = s3.get_object(Bucket=product.bucket, Key=item["Key"])["Body"].read().decode()
            names += [json.loads(line)[0] for line in body.splitlines()[1:]]
    return names


def test_an_execution_that_was_stopped_half_way_goes_on_where_it_was(
    product: Deployed, sounds: list[str]
) -> None:
    execution = product.start({**REQUEST, "instance_count": 1})
    until(lambda: shards(product))
    product.client("stepfunctions").stop_execution(executionArn=execution)
    assert product.finish(execution)["status"] == "ABORTED"
    until(lambda: product.processing_jobs()[-1]["ProcessingJobStatus"] == "Stopped")
    before = shards(product)
    done = len(named(product))
    assert 0 < done < SOUNDS
    output = product.run(REQUEST)
    about = output["preparation"]
    assert (about["prepares"], about["why"]) == (True, 'prepare is "always"')
    assert about["new"] == SOUNDS - about["unchanged"]
    assert about["unchanged"] == done
    assert before.items() <= shards(product).items(), "what was done is as it was"
    assert sorted(named(product)) == sorted(sounds), "each of them once"
    # two machines had their share, and training reads what they wrote
    look, work = product.processing_jobs()[-2:]
    assert look["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert work["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    for host in ("algo-1", "algo-2"):
        lines = product.log_of(work["ProcessingJobName"], "ProcessingJobs", host)
        assert any("files, " in line for line in lines), lines
    channels = {c["ChannelName"]: c for c in product.jobs()[-1]["InputDataConfig"]}
    assert channels["data"]["InputMode"] == "FastFile"
    folder = about["folder"]
    urls = {name: c["DataSource"]["S3DataSource"]["S3Uri"] for name, c in channels.items()}
    assert (urls["data"], urls["manifest"]) == (f"{folder}shards/", f"{folder}manifest/")
    count = len(shards(product))
    seen = [line for line in product.log_of(output["training_job"]) if line.startswith("shards=")]
    numbers = [[int(n) for n in re.findall(r"\d+", line)] for line in seen]
    assert len(numbers) == 2, "each of two machines has its share of the shards, and all parts"
    assert sum(shards_ for shards_, _ in numbers) == count
    assert {parts for _, parts in numbers} == {count}


def test_where_nothing_has_changed_nothing_is_prepared(product: Deployed) -> None:
    before, jobs = shards(product), len(product.processing_jobs())
    output = product.run(REQUEST)
    about = output["preparation"]
    assert (about["new"], about["unchanged"], about["gone"]) == (0, SOUNDS, 0)
    assert shards(product) == before
    assert len(product.processing_jobs()) == jobs + 1, "the look, and no more"
    assert product.jobs()[-1]["TrainingJobStatus"] == "Completed"


def test_a_machine_that_dies_names_its_files_and_then_only_these_are_missing(
    product: Deployed,
) -> None:
    before = shards(product)
    added = [f"new_{number}.wav" for number in range(3)]
    upload(product, FOLDER, added)
    product.client("s3").delete_object(Bucket=product.bucket, Key=f"{FOLDER}low_000.wav")
    faults.current.killed = {"algo-2"}
    cause = product.fail(REQUEST, error="SoundVae.PreparationFailed")
    faults.clear()
    lost = [name for name in added if name in cause]
    assert len(lost) == 1, cause
    assert "it ended at the shard" in cause
    assert "Shards that were finished are kept" in cause
    about = product.run(REQUEST)["preparation"]
    assert (about["new"], about["unchanged"], about["gone"]) == (1, SOUNDS + 1, 1)
    assert before.items() <= shards(product).items()
    assert len(named(product)) == SOUNDS + 3, "the deleted one is in a shard, and named as stale"
    s3, folder = product.client("s3"), about["folder"].partition(f"{product.bucket}/")[2]
    stale = s3.get_object(Bucket=product.bucket, Key=f"{folder}manifest/stale.json")["Body"].read()
    assert sum(map(len, json.loads(stale).values())) == 1


def test_few_sounds_are_not_prepared_and_the_output_says_why(product: Deployed) -> None:
    about = product.run({"data": FOLDER, "promote": "never"})["preparation"]
    assert about == {
        "prepares": False,
        "why": f"there are {SOUNDS + 2} sounds, and it pays from 100000 on",
    }


def test_a_folder_without_a_sound_that_can_be_read_is_a_sentence(product: Deployed) -> None:
    for name in ("a_1.wav", "a_2.wav"):
        product.client("s3").put_object(
            Bucket=product.bucket, Key=f"audio/broken/{name}", Body=b"RIFF"
        )
    cause = product.fail({**REQUEST, "data": "audio/broken/", "instance_count": 1})
    assert "no sound that can be used: 2 files were skipped, the first is a_1.wav" in cause
    assert "Error" not in cause


def test_no_quota_for_processing_says_where_it_is_raised(product: Deployed) -> None:
    faults.current.no_quota = {"ml.m5.xlarge"}
    cause = product.fail(REQUEST, error="SoundVae.PreparationFailed")
    assert 'Raise "ml.m5.xlarge for processing job usage" at https://' in cause
    assert '{"prepare": "never"} trains on the files as they are' in cause


def test_a_job_that_may_not_write_what_it_prepares_fails_the_execution(product: Deployed) -> None:
    api, role = product.client("iam"), role_of(product, "PreparationRole")
    deny = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    api.put_role_policy(RoleName=role, PolicyName="taken-away", PolicyDocument=document)
    try:
        assert "AccessDenied" in product.fail(REQUEST)
    finally:
        api.delete_role_policy(RoleName=role, PolicyName="taken-away")
    assert {(call.role, call.action) for call in iam.DENIED} == {(role, "s3:PutObject")}
    iam.DENIED.clear()
