"""CloudFormation's own rules, as cfn-lint knows them, in regions of every kind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.conftest import Synthesise
from tests.infra.reading import definition_of, of_type

IGNORED = {
    "W3005": "CDK spells out dependencies that references imply already",
}


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1"])  # another partition
def test_cfn_lint_finds_nothing(synthesise: Synthesise, region: str, tmp_path: Path) -> None:
    template = synthesise(region=region)
    # with its references filled in, cfn-lint checks the definition's states as well
    # (cfn-lint believes that every state calls arn:aws:..., whatever the partition)
    states = json.dumps(definition_of(template)).replace("arn:aws-us-gov:", "arn:aws:")
    for machine in of_type(template, "AWS::StepFunctions::StateMachine").values():
        machine["DefinitionString"] = states
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    lint = subprocess.run(
        [
            str(Path(sys.executable).with_name("cfn-lint")),
            "--regions",
            region,
            "--ignore-checks",
            *IGNORED,
            "--",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr
