"""Task states call AWS as Step Functions does: how values are spelled, what errors are called."""

from typing import Any

import pytest

from tests.local.deployment import Client, Execute
from tests.local.machines import output, task


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("text data", b'"text data"'),
        ({"Dict": "Value"}, b'{"Dict":"Value"}'),
        (["List", "Data"], b'["List","Data"]'),
        (False, b"false"),
        (0, b"0"),
    ],
)
def test_a_blob_is_stored_as_json_even_if_it_is_a_text(
    client: Client, execute: Execute, given: Any, stored: bytes
) -> None:
    """As recorded on AWS: LocalStack's test_s3_put_object[str], [dict], [list], [bool], [num]."""
    s3 = client("s3")
    s3.create_bucket(Bucket="blobs")
    output(
        execute(
            {"Put": task("aws-sdk:s3:putObject", {"Bucket": "blobs", "Key": "k", "Body": given})}
        )
    )
    assert s3.get_object(Bucket="blobs", Key="k")["Body"].read() == stored


def test_a_body_comes_back_as_the_text_that_it_is(client: Client, execute: Execute) -> None:
    """Recorded: test_s3_get_object[str]; JSON in it is not parsed."""
    client("s3").create_bucket(Bucket="texts")
    client("s3").put_object(Bucket="texts", Key="k", Body=b'{"a": 1}')
    answer = output(execute({"Get": task("aws-sdk:s3:getObject", {"Bucket": "texts", "Key": "k"})}))
    assert answer["Body"] == '{"a": 1}'
    assert answer["ContentLength"] == 8


def test_a_parameter_that_the_api_does_not_have_is_a_runtime_error(execute: Execute) -> None:
    answer = execute({"Get": task("aws-sdk:ssm:getParameter", {"name": "/x"})})
    assert answer["error"] == "States.Runtime"
    assert "The field 'name' is not supported by Step Functions" in answer["cause"]


def test_a_missing_bucket_and_key_are_called_as_on_aws(client: Client, execute: Execute) -> None:
    """Recorded: test_no_such_bucket, test_s3_no_such_key."""
    nowhere = execute({"List": task("aws-sdk:s3:listObjectsV2", {"Bucket": "no-such-bucket-77"})})
    assert nowhere["error"] == "S3.NoSuchBucketException"
    client("s3").create_bucket(Bucket="empty-one")
    nothing = execute({"G": task("aws-sdk:s3:getObject", {"Bucket": "empty-one", "Key": "k"})})
    assert nothing["error"] == "S3.NoSuchKeyException"
    assert "Service: S3, Status Code: 404" in nothing["cause"]
