"""Executions that are stopped anywhere, and inputs and settings of every kind."""

import json
import random
import tempfile
import time
from dataclasses import fields
from functools import cache
from typing import Any

from hypothesis import strategies as st

from infra.settings import KEY, Settings, SettingsError
from trust.apart import apart
from trust.promise import Promise, for_all

SEED = 5
REGION = "us-east-1"
SOMETIMES = 0.3
"""Seconds after a state has begun within which its execution is stopped."""


def stopped(attempts: int) -> str:
    """Stop executions in states drawn by chance; each kind of execution has been walked through."""
    from trust.product import left_consistent, product

    deployed, chance = product(), random.Random(SEED)
    starter = {"model": f"s3://{deployed.bucket}/models/starter/model.tar.gz"}
    requests: list[dict[str, Any]] = [starter, {"promote": "always"}, {"promote": "if_better"}]
    walked: dict[str, list[str]] = {}
    seen = set()
    for number in range(attempts):
        request = chance.choice(requests) if number else starter
        key = json.dumps(request)
        if key not in walked:
            execution = deployed.start(request)
            deployed.finish(execution)
            walked[key] = sorted(set(deployed.states(execution)))
        state = chance.choice(walked[key])
        what = f"stop {number + 1}, of {request} in {state}"
        with left_consistent(deployed, what):
            execution = deployed.start(request)
            deployed.wait_for_state(execution, state)
            time.sleep(chance.uniform(0, SOMETIMES))
            deployed.client("stepfunctions").stop_execution(executionArn=execution)
            deployed.finish(execution)
        seen.add(state)
    return (
        f"{attempts} of {attempts} left the endpoint as recorded, nobody's turn, nothing over; "
        f"in {len(seen)} states"
    )


NAMES = [
    *("data", "hyperparameters", "instance_types", "instance_count", "spot", "prepare"),
    *("max_runtime_minutes", "promote", "model", "Comment", "epochs", "toString", ""),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "audio/",
            "../",
            "always",
            "if_better",
            "never",
            "ml.g5.xlarge",
            "{% $states %}",
            "$",
            "\n",
        ]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
INPUTS = VALUES | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), VALUES, max_size=4)
COSTS = (
    *("createProcessingJob.sync", "createTrainingJob.sync", "createModel"),
    *("createEndpointConfig", "updateEndpoint"),
)


@cache
def definitions() -> tuple[str, dict[str, Any]]:
    """Return the bucket's name in the template, and the state machines by their names."""
    import aws_cdk as cdk

    from infra.stack import SoundVaeStack
    from tests.infra.reading import definitions_of

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder)
        stack = SoundVaeStack(app, "Trust", settings=Settings(), env=cdk.Environment(region=REGION))
        machines = definitions_of(app.synth().get_stack_by_name(stack.stack_name).template)
    check = machines[Settings().name]["States"]["Check the input"]["Branches"][0]["States"]
    return check["Find the sounds"]["Arguments"]["Bucket"], machines


def inputs(attempts: int) -> str:
    """Start the state machine, among services that are made up, with inputs of every kind."""
    from tests.infra.pipeline.machine import run
    from tests.infra.pipeline.made_up_aws import Aws

    bucket, machines = definitions()
    machine = machines[Settings().name]
    endpoint = machine["States"]["Repair what was left"]["Arguments"]["StateMachineArn"]
    block = machine["States"]["Prepare"]["Branches"][0]["States"]
    prepares = block["Prepare the sounds"]["Arguments"]["StateMachineArn"]
    counted = {"refused": 0, "accepted": 0}

    def holds(given: Any) -> None:
        called = {
            endpoint: machines[f"{Settings().name}--endpoint"],
            prepares: machines[f"{Settings().name}--preparation"],
        }
        aws = Aws(bucket, called)
        execution = run(machine, given, aws.account)
        if execution.status == "SUCCEEDED":
            counted["accepted"] += 1
            return
        counted["refused"] += 1
        assert execution.error == "SoundVae.WrongInput", f"{given!r}: {execution.error}"
        assert execution.cause.endswith((".", "}.")), f"{given!r}: no sentence: {execution.cause}"
        costs = [call for call in COSTS if execution.calls_of(call)]
        assert costs == [], f"{given!r} was refused after {costs}"

    for_all(INPUTS, holds, attempts)
    return f"{counted['refused']:,} refused before any call that costs, {counted['accepted']:,} ran"


DEFAULTS = [field.default for field in fields(Settings)]
SETTINGS = st.dictionaries(
    st.sampled_from([KEY + field.name for field in fields(Settings)])
    | st.text(max_size=8).map(lambda name: KEY + name),
    st.sampled_from(DEFAULTS) | st.integers(0, 10_000) | st.booleans() | VALUES,
    min_size=1,
    max_size=4,
)


def settings(attempts: int) -> str:
    """Read settings of every kind, as they come from cdk.json or the command line."""
    counted = {"refused": 0, "taken": 0}

    def holds(context: dict[str, Any]) -> None:
        try:
            Settings.from_context(context)
            counted["taken"] += 1
        except SettingsError as error:
            counted["refused"] += 1
            sentence = str(error)
            assert sentence, f"{context}: nothing said"
            assert "\n" not in sentence, f"{context}: more than a line: {sentence}"

    for_all(SETTINGS, holds, attempts)
    return f"{counted['refused']:,} refused in one line each, {counted['taken']:,} taken"


PROMISES = [
    Promise(
        "An execution that is stopped leaves the endpoint as recorded, nobody's turn taken and "
        "nothing behind",
        "StopExecution in states drawn by chance, of promotions and of training, on the stand-in",
        50,
        apart(stopped),
    ),
    Promise(
        "An execution's input either runs or is refused with a sentence before anything costs",
        "JSON of every kind into the deployed definition, among made-up services",
        1_000,
        inputs,
    ),
    Promise(
        "A setting is either taken or refused in one line, before anything is synthesised",
        "values of every kind for every setting",
        3_000,
        settings,
    ),
]
