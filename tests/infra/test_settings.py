"""Settings are checked before anything is synthesised; a mistake is one sentence."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.settings import KEY, LOCAL_DISK, SCALABLE_X86, Settings, SettingsError
from infra.settings_page import PAGE, page
from tests.infra.conftest import Synthesise, Template
from tests.infra.reading import definitions_of, of_type, plain, the

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
            "sound-vae:spot": "True",
            "sound-vae:tags": "a=b,c=d",
        }
    )
    assert settings.spot is True
    assert settings.tags == ("a=b", "c=d")
    assert Settings.from_context({"sound-vae:tags": ""}).tags == ()
    assert settings.endpoint_memory_mb == 4096
    assert settings.instance_types == ("ml.g5.xlarge", "ml.c5.xlarge")


@pytest.mark.parametrize("context", [{"sound-vae:a\nb": 1}, {"name": "a\nb"}])
def test_a_mistake_is_one_line_whatever_was_written(context: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"a\\nb") as error:
        Settings.from_context(context)
    assert "\n" not in str(error.value)


def test_the_page_of_settings_says_what_the_settings_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m infra.settings_page"


def test_tags_are_on_what_the_stack_makes_and_on_what_the_state_machine_makes(
    synthesise: Synthesise, template: Template
) -> None:
    tagged = synthesise(tags=("team=sound", "stage=a=b"))
    wanted = {("team", "sound"), ("stage", "a=b")}
    for kind in (
        "AWS::S3::Bucket",
        "AWS::SageMaker::Endpoint",
        "AWS::StepFunctions::StateMachine",
        "AWS::DynamoDB::Table",
    ):
        made = of_type(tagged, kind)
        assert made
        for name, properties in made.items():
            assert wanted <= {(tag["Key"], tag["Value"]) for tag in properties["Tags"]}, name
    definition = json.dumps(definitions_of(tagged)["sound-vae"])
    assert definition.count('{"Key": "team", "Value": "sound"}') == 3  # job, model, endpoint config
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
    definition = json.dumps(definitions_of(template)["sound-vae"])
    assert f'"KmsKeyId": "{key}"' in definition
    users = {
        name[: name.index("Policy") if "Policy" in name else None]
        for name, policy in of_type(template, "AWS::IAM::Policy").items()
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:GenerateDataKey" in statement["Action"] and plain(statement["Resource"]) == key
    }
    # the state machine reads what jobs wrote, and copies what it promotes
    assert {name[:12] for name in users} == {
        "ExecutionRol",
        "PipelineGene",
        "PipelineMach",
        "PreparationR",
        "ServingStart",
        "TrainingSour",
        "TransformRol",
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"subnet_ids": ("subnet-0a1b2c3d",)},
            "sound-vae:subnet_ids and sound-vae:security_group_ids go together: give both or "
            "neither.",
        ),
        (
            {"network_isolation": True},
            "sound-vae:network_isolation needs a sound-vae:training_image that holds the packages "
            "of training/requirements.txt, as nothing can be installed without a network.",
        ),
        (
            {"endpoint_max_concurrency": 2, "endpoint_provisioned_concurrency": 3},
            "sound-vae:endpoint_provisioned_concurrency may be at most "
            "sound-vae:endpoint_max_concurrency = 2, but is 3.",
        ),
        (
            {"endpoint": "instance", "endpoint_provisioned_concurrency": 1},
            "sound-vae:endpoint_provisioned_concurrency is for a serverless endpoint: leave it out "
            "with sound-vae:endpoint = instance, whose sound-vae:endpoint_min_instances are always "
            "warm.",
        ),
        (
            {"endpoint": "instance", "endpoint_min_instances": 3, "endpoint_max_instances": 2},
            "sound-vae:endpoint_min_instances may be at most sound-vae:endpoint_max_instances = 2, "
            "but is 3.",
        ),
        (
            {"endpoint": "instance", "endpoint_instance_type": "ml.c7g.large"},
            "sound-vae:endpoint_instance_type must be a type that SageMaker's serving image runs "
            "on and AWS scales, of the families c, m and r with Intel or AMD processors such as "
            "ml.c6i.large, but is 'ml.c7g.large'; or name an image in sound-vae:serving_image.",
        ),
        (
            {"volume_kms_key_arn": "arn:aws:kms:us-east-1:111122223333:key/0a1b"},
            "sound-vae:volume_kms_key_arn is refused for types with a local NVMe disk: leave "
            "ml.g5.xlarge, ml.g4dn.xlarge out of sound-vae:instance_types and "
            "sound-vae:preparation_instance_type.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_one_sentence(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings(**settings)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("local", "kinds"),
    [
        # EC2's instance types: https://docs.aws.amazon.com/ec2/latest/instancetypes/
        (
            True,
            "g4dn.xlarge g5.xlarge g6.xlarge g6e.xlarge p3dn.24xlarge p4d.24xlarge p4de.24xlarge",
        ),
        (True, "p5.48xlarge p5en.48xlarge c5d.xlarge m5d.large m6id.large r5d.large trn1.2xlarge"),
        (
            False,
            "c5.2xlarge c5n.xlarge c6i.large c7i.large m4.xlarge m5.large p2.xlarge p3.2xlarge",
        ),
    ],
)
def test_types_with_a_disk_of_their_own_are_known(local: bool, kinds: str) -> None:
    for kind in kinds.split():
        assert bool(LOCAL_DISK.match(f"ml.{kind}")) is local, kind


@pytest.mark.parametrize(
    ("runs", "kinds"),
    [
        # ProductionVariantInstanceType of botocore's model of SageMaker
        (True, "c4.large c5.xlarge c5d.large c6i.large c6in.xlarge c7i.2xlarge m5.large m7i.large"),
        (True, "r5d.large r6i.xlarge r7i.48xlarge"),
        (False, "c6g.large c7g.large m6gd.large r8g.medium t2.medium g5.xlarge p3.2xlarge"),
        (False, "inf1.xlarge trn1.2xlarge"),
    ],
)
def test_types_that_the_serving_image_runs_on_and_aws_scales_are_known(
    runs: bool, kinds: str
) -> None:
    for kind in kinds.split():
        assert bool(SCALABLE_X86.fullmatch(f"ml.{kind}")) is runs, kind


def test_an_endpoint_that_cannot_be_updated_to_another_has_another_name() -> None:
    names = {
        Settings().endpoint_name,
        Settings(endpoint="instance").endpoint_name,
        Settings(endpoint="instance", endpoint_instance_type="ml.m5.large").endpoint_name,
    }
    assert names == {"sound-vae", "sound-vae-ml-c6i-large", "sound-vae-ml-m5-large"}
    longest = Settings(
        name="a" * 24, endpoint="instance", endpoint_instance_type="ml.c6in.32xlarge"
    )
    assert len(longest.endpoint_name) <= 63, "SageMaker's limit"


def test_words_of_the_scheduler_are_taken_as_they_are() -> None:
    for given in (
        "",
        "rate(1 day)",
        "rate(12 hours)",
        "cron(0 3 ? * SUN *)",
        "cron(15 10 1 * ? 2030)",
    ):
        assert Settings.from_context({"sound-vae:schedule": given}).schedule == given


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
        ("endpoint", "instances", "must be serverless or instance, but is 'instances'."),
        (
            "endpoint_instance_type",
            "c6i.large",
            "must be an instance type such as ml.c6i.large, but is 'c6i.large'.",
        ),
        (
            "endpoint_min_instances",
            0,
            "must be a whole number from 1 to 100, but is 0.",
        ),
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
            "schedule",
            "every day",
            "must be empty, rate(7 days) or cron(0 3 ? * SUN *), but is 'every day'.",
        ),
        (
            "schedule",
            "cron(0 3 * * *)",
            "must be empty, rate(7 days) or cron(0 3 ? * SUN *), but is 'cron(0 3 * * *)'.",
        ),
        (
            "log_retention_days",
            "10",
            "must be one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, "
            "1096, 1827, 2192, 2557, 2922, 3288, 3653, but is '10'.",
        ),
        ("longest_execution_hours", 0, "must be a whole number from 1 to 8760, but is 0."),
        ("bucket_name", "s3://mine", "must be empty or the name of a bucket, but is 's3://mine'."),
        ("subnet_ids", "mine", "must be subnets such as subnet-0a1b2c3d, but is 'mine'."),
        (
            "security_group_ids",
            ["sg-0a1b2c3d"] * 6,
            "may have at most 5, but has 6.",
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
        # the CDK may have something to say of an old Node.js, which is not what is tested here
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": ",".join(map(str, range(18, 24))),
    }
    app = subprocess.run(
        [sys.executable, "app.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert app.returncode == 1
    assert app.stdout == ""
    (line,) = app.stderr.strip().splitlines()
    assert line.startswith(beginning)
    assert line.endswith(".")
