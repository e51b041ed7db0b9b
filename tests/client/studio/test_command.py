"""The command as one types it, in a process of its own."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from client.stack import Connection

REPOSITORY = Path(__file__).parents[3]
SECONDS = 30


@pytest.fixture
def stage(connection: Connection) -> Iterator[str]:
    """A stack with the outputs by which the command finds it."""
    outputs = {"EndpointName": "page", "StateMachineArn": "arn:m:page", "BucketName": "b"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    api = connection.client("cloudformation")
    api.create_stack(StackName="SoundVae-page", TemplateBody=json.dumps(template))
    api.get_waiter("stack_create_complete").wait(
        StackName="SoundVae-page", WaiterConfig={"Delay": 1}
    )
    yield "page"
    api.delete_stack(StackName="SoundVae-page")


def test_a_busy_port_is_passed_over_and_ctrl_c_ends_it(stage: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        command = [sys.executable, "-m", "client", "--name", stage, "--json", "studio"]
        with subprocess.Popen(
            [*command, "--port", str(port), "--no-open"],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stdout is not None
            said = ""
            while "}" not in said:
                line = program.stdout.readline()
                assert line, program.communicate()
                said += line
            url = json.loads(said)["url"]
            assert requests.get(url, timeout=SECONDS).status_code == 200
            answer = requests.get(f"{url}api/model", timeout=SECONDS)
            assert (answer.status_code, set(answer.json())) == (503, {"error"})
            program.send_signal(signal.SIGINT)
            _, told = program.communicate(timeout=SECONDS)
    taken = url.rstrip("/").rpartition(":")[2]
    assert f"Port {port} is busy, so the studio takes {taken}." in told
    assert "Traceback" not in told
    assert program.returncode == 0
