"""Whose account, which region, and whether it is AWS at all: read from the environment."""

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
# patient with throttling: a stage takes an hour, a call more or less does not matter
PATIENT = Config(retries={"mode": "standard", "max_attempts": 4})


class AccountError(Exception):
    """Credentials or region are missing; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """An account in a region; `stand_in` is the address of what answers in place of AWS."""

    number: str
    region: str
    stand_in: str = ""
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_environment(cls) -> "Account":
        """Look up the account that the credentials belong to.

        Raises:
            AccountError: there are no credentials, they are refused, or there is no region.

        """
        try:
            region = os.environ.get("AWS_REGION") or boto3.Session().region_name
            if not region:
                raise AccountError(
                    "There is no region: export AWS_REGION, such as AWS_REGION=us-east-1."
                )
            # boto3 reads only the one, the CDK's command line the other first
            os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
            sts = boto3.client("sts", region_name=region, config=PATIENT)
            number = str(sts.get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise AccountError(
                "AWS does not know you: export AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                f"AWS_SECRET_ACCESS_KEY. ({error})"
            ) from error
        url = sts.meta.endpoint_url
        is_aws = (urlparse(url).hostname or "").endswith(AWS_DOMAINS)
        return cls(number, region, "" if is_aws else url)

    def client(self, api: str) -> Any:
        """Return the boto3 client of an API, always the same."""
        if api not in self._clients:
            self._clients[api] = boto3.client(api, region_name=self.region, config=PATIENT)
        return self._clients[api]
