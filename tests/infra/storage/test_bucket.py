"""The bucket: encrypted, private, and kept."""

from typing import Any

from tests.infra.conftest import Synthesise
from tests.infra.reading import calls_of, of_type, plain, the


def test_the_bucket_is_encrypted_private_versioned_and_kept(template: dict[str, Any]) -> None:
    bucket = the(template, "AWS::S3::Bucket")
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (resource,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket")
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_bucket_answers_over_tls_only(template: dict[str, Any]) -> None:
    (name,) = of_type(template, "AWS::S3::Bucket")
    (statement,) = plain(the(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"])
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [f"<{name}.Arn>", f"<{name}.Arn>/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_source_and_starter_are_copied_into_the_bucket(template: dict[str, Any]) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket")
    copies: dict[str, dict[str, str]] = {"Create": {}, "Update": {}}
    for _, event, call in calls_of(template):
        if call["action"] == "CopyObject":
            assert call["parameters"]["Bucket"] == f"<{bucket}>"
            copies[event][call["parameters"]["Key"].split("/")[0]] = call["parameters"]["Key"]
    assert set(copies["Create"]) == {"models", "code"}
    assert copies["Create"]["models"] == "models/starter/model.tar.gz"
    assert copies["Create"]["code"].endswith("/sourcedir.tar.gz")
    assert copies["Update"] == copies["Create"]


def rules(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Folder -> lifecycle rule; without a folder it holds for the whole bucket."""
    found = the(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    return {rule.get("Prefix", ""): rule for rule in found}


def test_a_bucket_that_stays_goes_on_refusing_what_is_not_tls(
    synthesise: Synthesise, template: dict[str, Any], everything: dict[str, Any]
) -> None:
    for deployed, policy in ((template, "Retain"), (everything, None)):
        (found,) = (
            r for r in deployed["Resources"].values() if r["Type"] == "AWS::S3::BucketPolicy"
        )
        assert found.get("DeletionPolicy") == found.get("UpdateReplacePolicy") == policy


def test_a_deleted_recording_is_gone_for_good_after_the_days_that_the_docs_promise(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    for deployed, days in ((template, 30), (everything, 7)):
        for folder in ("audio/", "spectrograms/"):
            rule = rules(deployed)[folder]
            assert rule["Status"] == "Enabled"
            assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": days}
            assert rule["ExpiredObjectDeleteMarker"] is True
            assert "ExpirationInDays" not in rule  # what nobody deleted stays


def test_results_are_kept_unless_a_setting_says_for_how_long(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    assert set(rules(template)) == {"", "checkpoints/", "prepared/", "audio/", "spectrograms/"}
    for folder in ("output/", "generated/"):
        rule = rules(everything)[folder]
        assert rule["ExpirationInDays"] == 90
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert not any(folder.startswith("models") for folder in rules(everything))


def test_what_a_job_replaced_in_another_run_s_folder_can_be_brought_back(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    for deployed in (template, everything):
        assert the(deployed, "AWS::S3::Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}
        # written over after every epoch: a day, as docs/settings.md says
        checkpoints = rules(deployed)["checkpoints/"]
        assert checkpoints["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
        # so is the manifest of what is prepared, at every look at the sounds
        prepared = rules(deployed)["prepared/"]
        assert prepared["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
        assert "ExpirationInDays" not in prepared
    assert "output/" not in rules(template)
    assert "NoncurrentVersionExpiration" not in rules(template)[""]
    assert rules(everything)["output/"]["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 7


def test_uploads_are_announced_only_if_they_start_something(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    assert "NotificationConfiguration" not in the(template, "AWS::S3::Bucket")
    assert the(everything, "AWS::S3::Bucket")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def test_a_bucket_that_is_there_is_used_and_left_as_it_is(synthesise: Synthesise) -> None:
    adopted = synthesise(bucket_name="my-own-sounds", retain_data=False)
    kinds = {resource["Type"] for resource in adopted["Resources"].values()}
    assert not {kind for kind in kinds if "S3" in kind}  # no policy, no emptying, no settings of it
    assert adopted["Outputs"]["BucketName"]["Value"] == "my-own-sounds"
    copies = [
        call["parameters"]["Bucket"]
        for _, event, call in calls_of(adopted)
        if (event, call["action"]) == ("Create", "CopyObject")
    ]
    assert copies == ["my-own-sounds"] * 2
