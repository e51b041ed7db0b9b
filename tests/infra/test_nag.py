"""AWS's own advice, as cdk-nag's AwsSolutions pack knows it; exceptions are justified in infra/."""

import json
from dataclasses import fields
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from infra.settings import Settings
from infra.stack import SoundVaeStack
from tests.infra.variants import REGION, VARIANTS


def checked_app(folder: Path) -> cdk.App:
    context = json.loads(Path("cdk.json").read_text())["context"]
    flags = {key: value for key, value in context.items() if key.startswith("@")}
    app = cdk.App(outdir=str(folder), context=flags)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


@pytest.mark.parametrize("account", [None, "111122223333"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_finding_is_mended_or_justified(
    account: str | None, variant: str, tmp_path: Path
) -> None:
    app = checked_app(tmp_path)
    settings = Settings(**VARIANTS[variant])
    env = cdk.Environment(region=REGION, account=account)
    SoundVaeStack(app, "SoundVae", settings=settings, env=env)
    app.synth()  # raises if there is a finding


def test_the_variants_turn_on_every_setting() -> None:
    for setting in fields(Settings):
        given = [variant.get(setting.name, setting.default) for variant in VARIANTS.values()]
        assert any(value != setting.default for value in given), setting.name


def test_a_finding_that_nobody_justified_stops_the_synthesis(tmp_path: Path) -> None:
    app = checked_app(tmp_path)
    s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
