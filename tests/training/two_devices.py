"""Programs in a process of their own whose processor is two devices, as a machine has two GPUs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
BEGINNING = """
import json
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
"""
END = """
print("found " + json.dumps(found))
"""


def run(program: str) -> tuple[Any, str]:
    """Run a program that has `strategy`; give what it calls `found`, and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program + END],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'training'}", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("found ")] or [
        pytest.fail(done.stderr)
    ]
    return json.loads(line.removeprefix("found ")), done.stdout
