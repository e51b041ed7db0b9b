"""The stack, synthesised: once as it is deployed by default, and in variations by those who ask."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra.settings import Settings
from infra.stack import STARTER, TRAINING, SoundVaeStack, stack_name
from tests.infra.reading import definitions_of
from tests.infra.variants import REGION, VARIANTS

Template = dict[str, Any]
Synthesise = Callable[..., Template]


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    context = json.loads(Path("cdk.json").read_text())["context"]
    flags = {key: value for key, value in context.items() if key.startswith("@")}

    def synth(
        region: str = "us-east-1",
        starter: Path = STARTER,
        training: Path = TRAINING,
        **settings: Any,
    ) -> Template:
        app = cdk.App(context=flags, outdir=str(tmp_path_factory.mktemp("cdk")))
        chosen = Settings(**settings)
        stack = SoundVaeStack(
            app,
            stack_name(chosen),
            settings=chosen,
            env=cdk.Environment(region=region),
            starter=starter,
            training=training,
        )
        template: Template = app.synth().get_stack_by_name(stack.stack_name).template
        return template

    return synth


@pytest.fixture(scope="session")
def template(synthesise: Synthesise) -> Template:
    return synthesise()


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, synthesise: Synthesise) -> Template:
    """Each of the variants; between them every setting is turned on."""
    return synthesise(region=REGION, **VARIANTS[request.param])


@pytest.fixture(scope="session")
def everything(synthesise: Synthesise) -> Template:
    return synthesise(region=REGION, **VARIANTS["everything"])


@pytest.fixture(scope="session")
def definitions(template: Template, everything: Template) -> dict[str, Any]:
    """Of every state machine, by its name: by default, and as `birds` with every setting on."""
    return definitions_of(template) | definitions_of(everything)


@pytest.fixture(scope="session")
def definition(definitions: dict[str, Any]) -> dict[str, Any]:
    """Of the state machine that a person starts."""
    found: dict[str, Any] = definitions["sound-vae"]
    return found
