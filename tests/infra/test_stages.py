"""Several stages in one account: each has a stack, and names, of its own."""

import itertools
from typing import Any

import pytest

from infra.settings import Settings
from infra.stack import stack_name
from tests.infra.conftest import Synthesise
from tests.infra.reading import calls_of, of_type, plain

STAGES = ["sound-vae", "sound-vae-b"]  # the second one's name begins with the first one's
REGIONS = ["us-east-1", "eu-west-1", "ap-east-1", "us-gov-west-1", "cn-north-1"]

# in one account these are known by their names in all its regions (a bucket: in all accounts)
GLOBAL = {"AWS::CloudWatch::Dashboard", "AWS::IAM::Role", "AWS::S3::Bucket"}
# names of parts of something that is listed itself
OF_A_PART = {"AWS::IAM::Policy"}


def named(template: dict[str, Any]) -> set[tuple[str, str]]:
    """(type, name) of everything whose name the template fixes."""
    names = set()
    for resource in template["Resources"].values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        own = {"Name", kind.rsplit("::", 1)[-1] + "Name"}
        names |= {
            (kind, plain(value))
            for key, value in properties.items()
            if key in own and kind not in OF_A_PART
        }
    for _, _, call in calls_of(template):
        if call["action"] == "PutParameter":
            names.add(("parameter", call["parameters"]["Name"]))
    return names


def test_the_stack_is_named_after_the_setting() -> None:
    assert stack_name(Settings()) == "SoundVae"
    assert stack_name(Settings(name="b")) == "SoundVae-b"


def test_stages_share_no_name_in_any_region(synthesise: Synthesise) -> None:
    names = {
        (stage, region): named(synthesise(region=region, name=stage))
        for stage, region in itertools.product(STAGES, REGIONS)
    }
    kinds = {kind for kind, _ in names["sound-vae", "us-east-1"]}
    assert {
        "AWS::SageMaker::Endpoint",
        "AWS::StepFunctions::StateMachine",
        "AWS::CloudWatch::Dashboard",
        "AWS::Logs::LogGroup",
        "parameter",
    } <= kinds
    for ((_, region), these), ((_, other), those) in itertools.combinations(names.items(), 2):
        shared = these & those
        if region != other:
            shared = {(kind, name) for kind, name in shared if kind in GLOBAL}
        assert not shared


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_may_touch_only_what_is_its_own(synthesise: Synthesise, stage: str) -> None:
    # "sound-vae--*" is no beginning of "sound-vae-b--...": a name has no double hyphen in it
    (other,) = (name for name in STAGES if name != stage)
    policies = of_type(synthesise(name=stage), "AWS::IAM::Policy").values()
    resources = [
        resource.split(":", 5)[-1]
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        for resource in _listed(plain(statement["Resource"]))
    ]
    assert any(stage in resource for resource in resources)
    for resource in resources:
        begins, wildcard, _ = resource.partition("*")
        for foreign in (f"{other}--job", other):
            kind, _, name = begins.rpartition("/")
            if wildcard and kind in ("training-job", "model", "endpoint-config"):
                assert not foreign.startswith(name), resource
            else:
                assert name != foreign, resource


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
