"""The synthesised state machines in an account that is made up."""

from typing import Any

import pytest

from tests.infra.pipeline.made_up_aws import Aws


@pytest.fixture(scope="session")
def bucket(definition: dict[str, Any]) -> str:
    check = definition["States"]["Check the input"]["Branches"][0]["States"]
    name: str = check["Find the archive"]["Arguments"]["Bucket"]
    return name


@pytest.fixture
def aws(bucket: str, definition: dict[str, Any], definitions: dict[str, Any]) -> Aws:
    arn = definition["States"]["Repair what was left"]["Arguments"]["StateMachineArn"]
    prepare = definition["States"]["Prepare"]["Branches"][0]["States"]["Prepare the sounds"]
    generates = definition["States"]["Generate sounds"]["Arguments"]["StateMachineArn"]
    called = {
        arn: definitions["sound-vae--endpoint"],
        prepare["Arguments"]["StateMachineArn"]: definitions["sound-vae--preparation"],
        generates: definitions["sound-vae--generation"],
    }
    return Aws(bucket, called)
