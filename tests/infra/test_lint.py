"""CloudFormation's own rules, as cfn-lint knows them, in regions of every kind."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import SettingsError
from tests.infra.conftest import Synthesise
from tests.infra.reading import definitions_of, of_type
from tests.infra.variants import REGION, VARIANTS

IGNORED = {
    "W3005": "CDK spells out dependencies that references imply already",
}


# the common registry account, three others, and other partitions
REGIONS = ["us-east-1", "ap-northeast-1", "ap-east-1", "eu-south-1", "us-gov-west-1", "cn-north-1"]


def test_cfn_lint_finds_nothing_in_any_of_these_regions_and_variants(
    synthesise: Synthesise, tmp_path: Path
) -> None:
    templates = {region: synthesise(region=region) for region in REGIONS}
    templates |= {
        variant.replace(" ", "-"): synthesise(region=REGION, **settings)
        for variant, settings in VARIANTS.items()
    }
    for name, template in templates.items():
        # with its references filled in, cfn-lint checks the definition's states as well
        # (cfn-lint believes that every state calls arn:aws:..., whatever the partition)
        definitions = definitions_of(template)
        for machine in of_type(template, "AWS::StepFunctions::StateMachine").values():
            states = json.dumps(definitions[machine["StateMachineName"]])
            states = re.sub("arn:aws-(us-gov|cn):", "arn:aws:", states)
            # nor does it know that the end of a task may be an expression
            states = re.sub(r'"TimeoutSeconds": "{%[^"]*%}"', '"TimeoutSeconds": 60', states)
            machine["DefinitionString"] = states
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
    lint = subprocess.run(
        [
            str(Path(sys.executable).with_name("cfn-lint")),
            *("--regions", *REGIONS, REGION),
            *("--ignore-checks", *IGNORED),
            "--",
            *(str(tmp_path / f"{name}.json") for name in templates),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_a_region_without_the_images_is_refused_with_a_sentence(synthesise: Synthesise) -> None:
    with pytest.raises(SettingsError, match="SageMaker has no TensorFlow"):
        synthesise(region="eu-nowhere-9")
