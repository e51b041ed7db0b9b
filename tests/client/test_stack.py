import json
from collections.abc import Iterator

import pytest

from client.failure import Failure, in_one_sentence
from client.stack import Connection, Stack


def deploy(connection: Connection, stack: str, stage: str) -> None:
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{stage}"
    outputs = {"EndpointName": f"{stage}-x", "StateMachineArn": machine, "BucketName": "b"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    api = connection.client("cloudformation")
    api.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    api.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


@pytest.fixture
def stages(connection: Connection) -> Iterator[None]:
    deploy(connection, "SoundVae", "sound-vae")
    deploy(connection, "SoundVae-test", "test")
    yield
    for stack in ("SoundVae", "SoundVae-test"):
        connection.client("cloudformation").delete_stack(StackName=stack)


@pytest.mark.usefixtures("stages")
def test_a_stack_is_found_by_its_stages_name(connection: Connection) -> None:
    assert Stack.find(connection).stack_name == "SoundVae"
    found = Stack.find(Connection("test"))
    assert (found.stack_name, found.endpoint, found.bucket) == ("SoundVae-test", "test-x", "b")


@pytest.mark.usefixtures("stages")
def test_a_stage_that_is_not_there_is_told_the_others(connection: Connection) -> None:
    with pytest.raises(Failure, match=r"No stage 'live' is deployed .* but 'sound-vae', 'test'"):
        Stack.find(Connection("live"))


def test_where_nothing_is_deployed_the_next_step_is_named(connection: Connection) -> None:
    with pytest.raises(Failure, match="in us-east-1 yet: run `soundvae deploy`"):
        Stack.find(connection)


def test_what_aws_refuses_is_one_sentence(connection: Connection) -> None:
    wanted = "AWS refused GetParameter: ParameterNotFound: "
    with pytest.raises(Failure, match=wanted), in_one_sentence():
        connection.client("ssm").get_parameter(Name="/nowhere")


def test_a_profile_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(Failure, match=r"nobody.*list-profiles"), in_one_sentence():
        Connection(profile="nobody").client("sts")
