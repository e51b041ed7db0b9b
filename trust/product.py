"""The product deployed on the stand-in, in this process, with jobs that train for a second."""

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3

from local import faults, iam, server
from local.aws_environment import operator_environment
from local.events import rules as events
from tests.local.deployment import REGION, Client, Deployed, bootstrap, deploy
from tests.local.scenarios import assemblies
from tests.local.scenarios.hurry import in_a_hurry
from tests.local.scenarios.ordering import order
from tests.local.waiting import until
from trust import ROOT

hurried = contextlib.ExitStack()


@functools.cache
def client() -> Client:
    """Return boto3 clients of the owner of an account on the stand-in, which this starts."""
    url = server.start(0)
    os.environ.update(operator_environment(url, REGION))
    return functools.cache(lambda api: boto3.client(api, region_name=REGION, endpoint_url=url))


@functools.cache
def assembly(variant: str) -> Path:
    """Return the folder of a cloud assembly, of `assemblies.VARIANTS`."""
    folder = Path(tempfile.mkdtemp(prefix="sound-vae-trust-"))
    subprocess.run(
        [sys.executable, assemblies.__file__, str(folder), variant],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return folder / variant


@functools.cache
def product() -> Deployed:
    """Return the deployed stack with a first model of its own promoted."""
    hurried.enter_context(in_a_hurry())
    bootstrap(client())
    deploy(assembly("as-it-is"), client(), assemblies.STACK)
    deployed = Deployed(client(), assembly("as-it-is"), assemblies.STACK)
    order(deployed, "audio/")
    assert deployed.run({})["promoted"]
    return deployed


def wait_until_repaired(deployed: Deployed) -> None:
    """Wait until nobody has the turn and no change of the endpoint runs."""
    events.settle()
    api, machine = deployed.client("stepfunctions"), deployed.outputs["StateMachineArn"]

    def repaired() -> bool:
        return deployed.turn() == {"execution": ""} and not any(
            api.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
            for arn in (machine, f"{machine}--endpoint")
        )

    until(repaired)


@contextlib.contextmanager
def left_consistent(deployed: Deployed, what: str) -> Iterator[None]:
    """After the block, assert that the endpoint serves what is recorded and nothing is left over.

    `what` says what was tried, for the sentence of a broken promise.
    """
    before = deployed.config()
    iam.DENIED.clear()
    yield
    faults.clear()
    wait_until_repaired(deployed)
    assert iam.DENIED == [], f"{what}: a permission was missing, {iam.DENIED}"
    serving = deployed.config()
    assert deployed.served_model() == deployed.recorded_model(), f"{what}: the record is wrong"
    kept = (serving, before)  # a model's name is how that of its config begins
    orphans = {n for n in deployed.made() if not any(one.startswith(n) for one in kept)}
    most = 2 if serving.startswith(f"{assemblies.NAME}--") else 4  # of the promotions before
    assert len(orphans) <= most, f"{what}: left over are {sorted(orphans)}"
    running = [j["TrainingJobName"] for j in deployed.jobs() if j["TrainingJobStatus"] in RUNNING]
    assert running == [], f"{what}: {running} still trains"
    assert deployed.sound({}).getnframes() > 0


RUNNING = ("InProgress",)
