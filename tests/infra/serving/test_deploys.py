"""A deploy never undoes what an execution promoted: the table in serving/endpoint.py, by line."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.stack import TRAINING
from tests.infra.conftest import Synthesise, Template
from tests.infra.reading import calls_of, machine_of, of_type, plain, the


def reading(template: Template) -> tuple[str, dict[str, Any]]:
    """(logical id, call) of the custom resource that reads what is served."""
    found = [(name, event, call) for name, event, call in calls_of(template)]
    reads = [(name, event, call) for name, event, call in found if call["action"] == "GetParameter"]
    (name, created, call), (_, updated, again) = reads
    assert (created, updated) == ("Create", "Update")
    assert call == again
    return name, call


def identity(template: Template) -> str:
    name: str = reading(template)[1]["physicalResourceId"]["id"]
    return name


@pytest.fixture(scope="session")
def new_starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("starter") / "model.tar.gz"
    path.write_bytes(b"another model")
    return path


def test_the_same_app_deployed_again_changes_nothing(
    synthesise: Synthesise, template: Template
) -> None:
    assert synthesise() == template


def test_new_training_code_touches_neither_model_nor_endpoint(
    synthesise: Synthesise, template: Template, tmp_path: Path
) -> None:
    changed = shutil.copytree(TRAINING, tmp_path / "training")
    (changed / "train.py").write_text("print('better')")
    after = synthesise(training=changed, max_runtime_minutes=30)
    assert identity(after) == identity(template)
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        kind = f"AWS::SageMaker::{kind}"
        assert of_type(after, kind) == of_type(template, kind)


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint_memory_mb": 4096},
        {"endpoint_max_concurrency": 9},
        {"endpoint_provisioned_concurrency": 1},
        {"endpoint": "instance"},
        {"serving_image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/serving:1"},
    ],
)
def test_what_makes_a_new_model_or_config_reads_first_what_is_served(
    synthesise: Synthesise, template: Template, settings: dict[str, Any]
) -> None:
    after = synthesise(**settings)
    made = ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig")
    assert any(the(after, kind) != the(template, kind) for kind in made)
    assert identity(after) != identity(template)


def test_a_new_starter_reads_first_what_is_served_and_makes_a_new_model(
    synthesise: Synthesise, template: Template, new_starter: Path
) -> None:
    after = synthesise(starter=new_starter)
    assert identity(after) != identity(template)
    before, now = (
        the(t, "AWS::SageMaker::Model")["PrimaryContainer"]["Environment"]["STARTER_HASH"]
        for t in (template, after)
    )
    assert before != now


def test_a_new_role_reads_first_what_is_served(template: Template) -> None:
    (role,) = (n for n in of_type(template, "AWS::IAM::Role") if n.startswith("EndpointRole"))
    assert f"<{role}.Arn>" in identity(template)


def test_the_record_is_made_once_and_never_written_back(
    synthesise: Synthesise, template: Template, new_starter: Path
) -> None:
    # an AWS::SSM::Parameter gets the template's value again with any change, be it a tag
    assert not of_type(template, "AWS::SSM::Parameter")
    for t in (template, synthesise(starter=new_starter)):
        record = {
            event: call
            for _, event, call in calls_of(t)
            if call["action"] in ("PutParameter", "DeleteParameter")
        }
        assert {call["parameters"]["Name"] for call in record.values()} == {
            "/sound-vae/served-model"
        }
        (bucket,) = of_type(t, "AWS::S3::Bucket")
        for event in ("Create", "Update"):
            assert record[event]["action"] == "PutParameter"
            assert record[event]["parameters"]["Overwrite"] is False
            value = record[event]["parameters"]["Value"]
            assert value == f"s3://<{bucket}>/models/starter/model.tar.gz"  # whatever starter
        assert record["Update"]["ignoreErrorCodesMatching"] == "ParameterAlreadyExists"
        assert "ignoreErrorCodesMatching" not in record["Create"]
        assert record["Delete"]["action"] == "DeleteParameter"


def test_role_starter_and_record_are_there_before_the_model(template: Template) -> None:
    resources = template["Resources"]
    (model,) = (r for r in resources.values() if r["Type"] == "AWS::SageMaker::Model")
    name, _ = reading(template)
    assert plain(model["Properties"]["PrimaryContainer"]["ModelDataUrl"]) == (
        f"<{name}.Parameter.Value>"
    )
    needs = " ".join(model["DependsOn"])
    assert "EndpointRoleDefaultPolicy" in needs
    assert "ServingStarterCopy" in needs
    assert "ServingServedRecord" in " ".join(resources[name]["DependsOn"])


def test_the_source_is_there_before_the_state_machine_names_it(template: Template) -> None:
    machine, _ = machine_of(template, "sound-vae")
    assert "TrainingSourceCopy" in " ".join(template["Resources"][machine]["DependsOn"])
