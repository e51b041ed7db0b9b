"""Settings are checked before anything is synthesised; a mistake is one sentence."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.settings import KEY, Settings, SettingsError
from infra.settings_page import PAGE, page
from tests.infra.conftest import Synthesise, Template
from tests.infra.reading import of_type, plain, the

CDK_JSON = json.loads(Path("cdk.json").read_text())


def test_cdk_json_lists_every_setting_with_its_default() -> None:
    listed = {
        key.removeprefix(KEY): value
        for key, value in CDK_JSON["context"].items()
        if key.startswith(KEY)
    }
    assert listed == {
        f.name: list(f.default) if isinstance(f.default, tuple) else f.default
        for f in fields(Settings)
    }
    assert Settings.from_context(CDK_JSON["context"]) == Settings()


def test_every_setting_is_described() -> None:
    assert all(f.metadata["description"] for f in fields(Settings))


def test_a_setting_on_the_command_line_is_text_and_means_the_same() -> None:
    settings = Settings.from_context(
        {
            "sound-vae:endpoint_memory_mb": "4096",
            "sound-vae:instance_types": "ml.g5.xlarge,ml.c5.xlarge",
            "sound-vae:spot": "False",
            "sound-vae:tags": "a=b,c=d",
        }
    )
    assert settings.spot is False
    assert settings.tags == ("a=b", "c=d")
    assert Settings.from_context({"sound-vae:tags": ""}).tags == ()
    assert settings.endpoint_memory_mb == 4096
    assert settings.instance_types == ("ml.g5.xlarge", "ml.c5.xlarge")


def test_the_page_of_settings_says_what_the_settings_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m infra.settings_page"


def test_tags_are_on_what_the_stack_makes_and_on_what_the_state_machine_makes(
    synthesise: Synthesise, template: Template
) -> None:
    tagged = synthesise(tags=("team=sound", "stage=a=b"))
    wanted = {("team", "sound"), ("stage", "a=b")}
    for kind in ("AWS::S3::Bucket", "AWS::SageMaker::Endpoint", "AWS::StepFunctions::StateMachine"):
        assert wanted <= {(tag["Key"], tag["Value"]) for tag in the(tagged, kind)["Tags"]}, kind
    machine = plain(the(tagged, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    assert machine.count('{"Key":"team","Value":"sound"}') == 3  # job, model, endpoint config
    # a new tag on a Model may make it anew: with what is served, then
    assert "team=sound" in json.dumps(plain(of_type(tagged, "Custom::AWS")))


def test_the_bucket_goes_with_the_stack_only_if_asked_to(
    synthesise: Synthesise, template: Template
) -> None:
    assert not of_type(template, "Custom::S3AutoDeleteObjects")
    gone = synthesise(retain_data=False)
    (bucket,) = (r for r in gone["Resources"].values() if r["Type"] == "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "Delete"
    assert len(of_type(gone, "Custom::S3AutoDeleteObjects")) == 1


def test_a_key_encrypts_bucket_and_results_and_those_who_need_it_may_use_it(
    synthesise: Synthesise,
) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-1111-2222-333344445555"
    template = synthesise(kms_key_arn=key)
    (rule,) = the(template, "AWS::S3::Bucket")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert plain(rule) == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"},
    }
    machine = plain(the(template, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    assert f'"KmsKeyId":"{key}"' in machine
    users = {
        name[: name.index("Policy") if "Policy" in name else None]
        for name, policy in of_type(template, "AWS::IAM::Policy").items()
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:GenerateDataKey" in statement["Action"] and plain(statement["Resource"]) == key
    }
    assert {name[:12] for name in users} == {"ExecutionRol", "ServingStart", "TrainingSour"}


def test_the_context_of_others_is_none_of_our_business() -> None:
    assert Settings.from_context({"aws:cdk:something": 1, "@aws-cdk/flag": True}) == Settings()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "endpoint_memory_mb",
            3000,
            "must be a whole number from 1024 to 6144 in steps of 1024, but is 3000.",
        ),
        (
            "endpoint_memory_mb",
            "8192",
            "must be a whole number from 1024 to 6144 in steps of 1024, but is '8192'.",
        ),
        (
            "endpoint_max_concurrency",
            True,
            "must be a whole number from 1 to 200, but is True.",
        ),
        ("max_runtime_minutes", "1.5", "must be a whole number from 1 to 40320, but is '1.5'."),
        ("max_runtime_minutes", None, "must be a whole number from 1 to 40320, but is None."),
        ("spot", "yes", "must be true or false, but is 'yes'."),
        ("retain_data", 0, "must be true or false, but is 0."),
        ("promote", "maybe", "must be if_better, always or never, but is 'maybe'."),
        ("alarm_email", "me", "must be empty or an e-mail address, but is 'me'."),
        ("tags", ["team"], "must be tags such as team=sound, but is 'team'."),
        ("tags", ["aws:x=1"], "must be tags such as team=sound, but is 'aws:x=1'."),
        (
            "kms_key_arn",
            "alias/mine",
            "must be empty or arn:aws:kms:<region>:<account>:key/<id>, but is 'alias/mine'.",
        ),
        (
            "instance_types",
            [],
            "must be a list of instance types such as ml.g5.xlarge, but is [].",
        ),
        (
            "instance_types",
            ["g5.xlarge"],
            "must be instance types such as ml.g5.xlarge, but is 'g5.xlarge'.",
        ),
        (
            "name",
            "Sound_VAE",
            "must be lower-case letters, digits and single hyphens, beginning with a letter, "
            "but is 'Sound_VAE'.",
        ),
        (
            "name",
            "a-name-that-goes-on-for-ever",
            "may have at most 24 characters, but 'a-name-that-goes-on-for-ever' has 28.",
        ),
        (
            "serving_image",
            "tensorflow/serving",
            "must be empty or an image in ECR, <account>.dkr.ecr.<region>.amazonaws.com/"
            "<name>:<tag>, but is 'tensorflow/serving'.",
        ),
    ],
)
def test_a_bad_value_is_named_with_what_would_be_right(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_context({KEY + key: value})
    assert str(raised.value) == f"{KEY}{key} {sentence}"


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match=r"sound-vae:memory is not a setting; the settings are "
    ):
        Settings.from_context({"sound-vae:memory": 1})


@pytest.mark.parametrize("key", ["endpoint_memory_mb", "name", "tags"])
def test_a_setting_without_its_prefix_is_not_ignored(key: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_context({"aws:cdk:something": 1, key: "4096"})
    assert str(raised.value) == (
        f"{key} without its prefix sets nothing: write -c sound-vae:{key}=4096."
    )


@pytest.mark.parametrize(
    ("context", "region", "beginning"),
    [
        (
            {"sound-vae:endpoint_memory_mb": 5},
            "us-east-1",
            "error: sound-vae:endpoint_memory_mb must",
        ),
        (
            {"endpoint_memory_mb": "4096"},
            "us-east-1",
            "error: endpoint_memory_mb without its prefix",
        ),
        ({}, "eu-nowhere-9", "error: SageMaker has no TensorFlow 2.21 training image in region"),
    ],
)
def test_a_mistake_stops_the_app_with_one_sentence(
    context: dict[str, Any], region: str, beginning: str, tmp_path: Path
) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_REGION": region,
        "CDK_OUTDIR": str(tmp_path),
    }
    app = subprocess.run(
        [sys.executable, "app.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert app.returncode == 1
    assert app.stdout == ""
    (line,) = app.stderr.strip().splitlines()
    assert line.startswith(beginning)
    assert line.endswith(".")
