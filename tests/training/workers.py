"""Processes that train together, as the machines of a cluster do."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TRAINING = Path(__file__).parents[2] / "training"


def start_workers(
    commands: Sequence[Sequence[str | Path]], folder: Path
) -> list["subprocess.Popen[str]"]:
    """Start a command for each worker; what they say is in worker-<number>.log in the folder."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in commands]
    addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    workers = []
    for index, command in enumerate(commands):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        environment = {
            **os.environ,
            "TF_CONFIG": json.dumps(config),
            "PYTHONPATH": str(TRAINING),
            "SAGEMAKER_BASE_DIR": str(folder / f"base-{index}"),
        }
        with (folder / f"worker-{index}.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, *map(str, command)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        workers.append(worker)
    return workers


def run_workers(commands: Sequence[Sequence[str | Path]], folder: Path) -> list[str]:
    """Run them to their end; give what each said. Raises AssertionError where one fails."""
    codes = [worker.wait(300) for worker in start_workers(commands, folder)]
    said = [(folder / f"worker-{index}.log").read_text() for index in range(len(commands))]
    assert not any(codes), said
    return said
