"""The deployed stack that the commands talk to, on AWS or in the stand-in.

stack = Stack.find(Connection("sound-vae"))
stack.bucket, stack.endpoint, stack.state_machine
"""

from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, Self

import boto3
from botocore.config import Config

from client.failure import Failure

ENDPOINT_SECONDS = 65  # a serverless endpoint has 60 for an answer
# a serverless endpoint that starts refuses for a while; thousands of files meet some mishap
ATTEMPTS = {"sagemaker-runtime": 6, "s3": 6}


@dataclass(frozen=True)
class Connection:
    """Which stage of the stack, in which account and region."""

    name: str = "sound-vae"  # of the stage: the setting `name`, and the state machine's name
    profile: str | None = None
    region: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @cached_property
    def session(self) -> boto3.Session:
        """Credentials and region, from the profile or from the environment."""
        return boto3.Session(profile_name=self.profile, region_name=self.region)

    def client(self, api: str) -> Any:
        """Make a client that repeats what AWS throttles, once for each API.

        Threads may share a client, but may not make two from one session at the same time.
        """
        with self._lock:
            if api not in self._clients:
                self._clients[api] = self._made(api)
            return self._clients[api]

    def _made(self, api: str) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS.get(api, 3)},
            read_timeout=ENDPOINT_SECONDS,
            max_pool_connections=32,
        )
        return self.session.client(api, config=config)


@dataclass(frozen=True)
class Stack:
    """What the stack's outputs name."""

    connection: Connection
    stack_name: str
    outputs: dict[str, str]

    @classmethod
    def find(cls, connection: Connection) -> Self:
        """Look for the stack whose state machine has the stage's name; raises `Failure`."""
        pages = connection.client("cloudformation").get_paginator("describe_stacks").paginate()
        others = []
        for stack in (stack for page in pages for stack in page["Stacks"]):
            outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
            if not {"EndpointName", "StateMachineArn", "BucketName"} <= set(outputs):
                continue
            name = outputs["StateMachineArn"].rpartition(":")[2]
            if name == connection.name:
                return cls(connection, stack["StackName"], outputs)
            others.append(name)
        where = connection.session.region_name
        if others:
            raise Failure(
                f"No stage {connection.name!r} is deployed in {where}, but {_listed(others)}: "
                "name one of these with --name."
            )
        raise Failure(f"Nothing is deployed in {where} yet: run `soundvae deploy`.")

    @property
    def bucket(self) -> str:
        """Name of the bucket with sounds, models and reports."""
        return self.outputs["BucketName"]

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self.outputs["EndpointName"]

    @property
    def state_machine(self) -> str:
        """ARN of the state machine that trains and promotes."""
        return self.outputs["StateMachineArn"]

    def client(self, api: str) -> Any:
        """Make a client for the stack's account and region."""
        return self.connection.client(api)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
