"""The environment variables that point the AWS tools at the stand-in.

Not in aws.py, because that imports moto, which must not be imported before its port is known.
"""


def operator_environment(url: str, region: str) -> dict[str, str]:
    """Return the variables with which the AWS command line, boto3 and the CDK use `url`.

    Any credentials will do: whoever is not in a role's session is the account's owner.
    """
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
