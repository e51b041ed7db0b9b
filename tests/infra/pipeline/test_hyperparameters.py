"""What one writes into the execution's input is what train.py receives.

The way there: the template's expression makes texts of the values, SageMaker writes them to
hyperparameters.json, the real training toolkit decodes them and makes a command line, and train.py
parses that. The last two run in the environment that stands for the training image.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.stack import TRAINING
from tests.infra.conftest import Template
from tests.infra.pipeline.machine import run
from tests.infra.pipeline.made_up_aws import Aws
from tests.infra.reading import definitions_of

JOB_PYTHON = Path(".venv-job/bin/python").absolute()
HYPERPARAMETERS = json.loads((TRAINING / "hyperparameters.json").read_text())

IN_THE_CONTAINER = """
import json, sys
from sagemaker_training.environment import Environment
from train import parse_args

environment = Environment()
sys.stdout.write("\\n" + json.dumps({
    "program": environment.user_entry_point,
    "source": environment.module_dir,
    "arguments": vars(parse_args(environment.to_cmd_args())),
}, default=str))
"""


def given_values() -> dict[str, Any]:
    """A value for every hyperparameter, none of them its default."""
    values: dict[str, Any] = {}
    for name, schema in HYPERPARAMETERS.items():
        default = schema.get("default", schema.get("by_quality", {}).get("standard"))
        match schema["type"]:
            case "integer":
                values[name] = max(schema.get("minimum", 0), 7) + 1
            case "number":
                low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
                values[name] = low + (schema.get("maximum", low + 1) - low) / 8192
            case "boolean":
                values[name] = not default
            case "string":
                values[name] = next(c for c in schema.get("enum", ["a b"]) if c != default)
    return values


@pytest.fixture(scope="module")
def received(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What train.py makes of `given_values()` inside the training container."""
    if not JOB_PYTHON.exists():
        pytest.fail("There is no .venv-job, the stand-in for the training image: `make test` does.")
    definition = definitions_of(template)["sound-vae"]
    check = definition["States"]["Check the input"]["Branches"][0]["States"]
    endpoint_machine = definition["States"]["Repair what was left"]["Arguments"]["StateMachineArn"]
    aws = Aws(
        check["Find the sounds"]["Arguments"]["Bucket"],
        {endpoint_machine: definitions_of(template)["sound-vae--endpoint"]},
    )
    execution = run(definition, {"hyperparameters": given_values()}, aws.account)
    (job,) = execution.calls_of("createTrainingJob.sync")
    assert all(isinstance(value, str) for value in job["HyperParameters"].values())

    base = tmp_path_factory.mktemp("opt-ml")
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (base / "input" / "data" / "data").mkdir(parents=True)
    (base / "model").mkdir()
    for name, content in {
        "hyperparameters": job["HyperParameters"],
        "inputdataconfig": {"data": {"TrainingInputMode": "File"}},
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"]},
    }.items():
        (config / f"{name}.json").write_text(json.dumps(content))
    container = subprocess.run(
        [JOB_PYTHON, "-c", IN_THE_CONTAINER],
        env={
            "PATH": f"{JOB_PYTHON.parent}:/usr/bin:/bin",
            "PYTHONPATH": str(TRAINING),
            "SAGEMAKER_BASE_DIR": str(base),
            "SM_CHANNEL_DATA": str(base / "input" / "data" / "data"),
            "SM_MODEL_DIR": str(base / "model"),
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert container.returncode == 0, container.stderr
    result: dict[str, Any] = json.loads(container.stdout.splitlines()[-1])
    return result


def test_every_value_arrives_as_it_was_given(received: dict[str, Any]) -> None:
    arguments = {name: received["arguments"][name] for name in HYPERPARAMETERS}
    assert arguments == given_values()
    for name, schema in HYPERPARAMETERS.items():
        assert arguments[name] != schema.get("default"), name


def test_the_toolkit_finds_the_program_and_its_source(received: dict[str, Any]) -> None:
    assert received["program"] == "train.py"
    assert received["source"].startswith("s3://")
    assert received["source"].endswith("/sourcedir.tar.gz")
