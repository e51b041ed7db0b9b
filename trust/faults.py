"""Requests to S3 and SageMaker that go wrong: of executions, deployments and callers."""

import io
import json
import random
import tempfile
import wave
from pathlib import Path

from botocore.exceptions import ClientError, HTTPClientError

from trust.apart import apart
from trust.promise import Promise

SHARE = 0.05
"""Of all requests to S3 and SageMaker, while an execution or a deployment runs."""
MOST_GOES, MOST_BYTES = 20, 50_000  # of an upload, and of a file in it


def executions(attempts: int) -> str:
    """Train and promote while requests go wrong; what fails says why, and leaves nothing."""
    from local import faults
    from trust.product import left_consistent, product

    deployed = product()
    starter = {"model": f"s3://{deployed.bucket}/models/starter/model.tar.gz"}
    ended = {"SUCCEEDED": 0, "FAILED": 0}
    for number in range(attempts):
        request = (starter, {"promote": "always"})[number % 2]
        what = f"execution {number + 1}, of {request}"
        with left_consistent(deployed, what):
            faults.current.unreliable = SHARE
            answer = deployed.finish(deployed.start(request))
            faults.clear()
            ended[answer["status"]] += 1
            if answer["status"] == "FAILED":
                cause = answer.get("cause", "")
                assert cause, f"{what}: it failed without a word"
                assert "Traceback" not in cause, f"{what}: {cause}"
    return (
        f"{ended['SUCCEEDED']} of {attempts} succeeded, {ended['FAILED']} said why not; "
        "none lost or left anything"
    )


def deployments(attempts: int) -> str:
    """Deploy back and forth while requests go wrong; it works or rolls back."""
    from local import faults
    from tests.local.deployment import deploy, settled
    from tests.local.scenarios.assemblies import STACK
    from trust.product import assembly, client, left_consistent, product

    deployed, through = product(), 0
    variants = ("concurrency", "as-it-is")
    for number in range(attempts):
        with left_consistent(deployed, f"deployment {number + 1}"):
            faults.current.unreliable = SHARE
            try:
                deploy(assembly(variants[number % 2]), client(), STACK)
                through += 1
            except (AssertionError, ClientError):
                pass  # it failed; what it leaves is what matters
            faults.clear()
            status = settled(client(), STACK)
            assert status.endswith("_COMPLETE"), f"deployment {number + 1} ended as {status}"
    return f"{through} of {attempts} went through, the others were rolled back"


def callers(attempts: int) -> str:
    """Ask the endpoint with the SDK's own retries while requests go wrong."""
    from local import faults
    from trust.product import product

    deployed = product()
    api = deployed.client("sagemaker-runtime")
    asked = {"label": "seven", "seed": 3}
    heard, said = set(), 0
    faults.current.unreliable = 2 * SHARE
    try:
        for _ in range(attempts):
            try:
                answer = api.invoke_endpoint(
                    EndpointName=deployed.endpoint, Body=json.dumps(asked), Accept="audio/wav"
                )
                heard.add(answer["Body"].read())
            except ClientError as error:
                if error.response["Error"]["Code"] != "ThrottlingException":
                    raise
                said += 1
            except HTTPClientError:  # each of the SDK's attempts lost its connection
                said += 1
    finally:
        faults.clear()
    assert len(heard) == 1, "the same request was answered with different sounds"
    with wave.open(io.BytesIO(heard.pop()), "rb") as sound:
        assert sound.getnframes() > 0
    return f"{attempts - said:,} of {attempts:,} answered, all with the same bytes"


def uploads(attempts: int) -> str:
    """Upload a folder while requests go wrong, again until all of it is said to be there."""
    from client.sounds import PREFIX, upload
    from client.stack import Connection, Stack
    from local import faults
    from tests.local.deployment import REGION
    from tests.local.scenarios.assemblies import NAME
    from trust.product import product

    s3, chance, goes = product().client("s3"), random.Random(1), 0
    stack = Stack.find(Connection(name=NAME, region=REGION))
    files = {
        f"upload/{i}.wav": chance.randbytes(chance.randint(1, 50_000)) for i in range(attempts)
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "upload").mkdir()
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        faults.current.unreliable = SHARE
        try:
            for goes in range(1, MOST_GOES + 1):
                try:
                    outcomes = list(upload(stack, Path(folder), list(files)))
                    break
                except (ClientError, HTTPClientError):  # said; what has arrived is not sent again
                    assert goes < MOST_GOES, f"not all was sent in {goes} goes"
        finally:
            faults.clear()
    assert {outcome.name for outcome in outcomes} == set(files)
    for name, content in files.items():
        there = s3.get_object(Bucket=stack.bucket, Key=PREFIX + name)["Body"].read()
        assert there == content, f"{name} is not what was sent"
        s3.delete_object(Bucket=stack.bucket, Key=PREFIX + name)
    again = "at the first go" if goes == 1 else f"in {goes} goes"
    return f"{attempts:,} of {attempts:,} files arrived as they are, {again}"


PROMISES = [
    Promise(
        "An execution whose requests go wrong tries again or says why, and leaves nothing half "
        "done",
        "a twentieth of all requests to S3 and SageMaker is refused, reset, lost or broken off",
        20,
        apart(executions),
    ),
    Promise(
        "A deployment whose requests go wrong goes through or is rolled back",
        "the same, while the stack is updated",
        6,
        apart(deployments),
    ),
    Promise(
        "A caller's SDK hears the whole sound or an error, never half a sound",
        "the same with a tenth of the requests, boto3's own retries",
        500,
        apart(callers),
    ),
    Promise(
        "An upload brings every file whole or says that it could not, and goes on when repeated",
        "`soundvae upload` of files of 1 to 50,000 bytes, a twentieth of its requests as above",
        2_000,
        apart(uploads),
    ),
]
