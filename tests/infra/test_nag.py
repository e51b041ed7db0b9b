"""AWS's own advice, as cdk-nag's AwsSolutions pack knows it; exceptions are justified in infra/."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from infra.settings import Settings
from infra.stack import SoundVaeStack


def checked_app(folder: Path) -> cdk.App:
    context = json.loads(Path("cdk.json").read_text())["context"]
    flags = {key: value for key, value in context.items() if key.startswith("@")}
    app = cdk.App(outdir=str(folder), context=flags)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({"region": "us-east-1"}, {}),
        (
            {"region": "eu-west-1", "account": "111122223333"},
            {
                "alarm_email": "me@example.org",
                "kms_key_arn": "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000",
                "name": "birds",
                "retain_data": False,
            },
        ),
    ],
)
def test_every_finding_is_mended_or_justified(
    env: dict[str, str], settings: dict[str, Any], tmp_path: Path
) -> None:
    app = checked_app(tmp_path)
    SoundVaeStack(app, "SoundVae", settings=Settings(**settings), env=cdk.Environment(**env))
    app.synth()  # raises if there is a finding


def test_a_finding_that_nobody_justified_stops_the_synthesis(tmp_path: Path) -> None:
    app = checked_app(tmp_path)
    s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
