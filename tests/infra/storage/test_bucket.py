"""The bucket: encrypted, private, and kept."""

import json
from typing import Any

from tests.infra.reading import of_type, plain, the


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
    copies = {}
    for custom in of_type(template, "Custom::AWS").values():
        call = json.loads(plain(custom["Create"]))
        if call["action"] == "CopyObject":
            assert custom["Create"] == custom["Update"]
            assert call["parameters"]["Bucket"] == f"<{bucket}>"
            copies[call["parameters"]["Key"].split("/")[0]] = call["parameters"]["Key"]
    assert copies["models"] == "models/starter/model.tar.gz"
    assert copies["code"].endswith("/sourcedir.tar.gz")
