"""Several devices learn what one learns: each takes its part of every batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sound_vae.fit.schedule import choose_pace

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
import json
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.random.stateless_normal = lambda shape, *_, **__: tf.zeros(shape)
from sound_vae.cluster import Cluster
from sound_vae.fit.device import Device
from sound_vae.model import normalization
from tests.training.fit.test_device import made, run
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
trainers = {"one": made(Device()), "two": made(Device(), Cluster(strategy))}
normalization.ENOUGH = 2  # what each of two devices has of four clips
trainers["each by its own"] = made(Device(), Cluster(strategy))
trainers["each by its own, compiled"] = made(Device(xla=True), Cluster(strategy))
for trainer in trainers.values():
    trainer.vae.set_weights(trainers["one"].vae.get_weights())
    trainer.listener.network.set_weights(trainers["one"].listener.network.get_weights())
found = {devices: run(trainer) for devices, trainer in trainers.items()}
print("found " + json.dumps(found))
"""


def test_two_devices_of_a_machine_learn_as_one_does() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'training'}", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("found ")] or [
        pytest.fail(done.stderr)
    ]
    found = json.loads(line.removeprefix("found "))
    # a device takes the logarithm of its own clips' error, here of two; and it clips its gradients
    assert found["two"] == pytest.approx(found["one"], abs=0.1)
    own, compiled = found["each by its own"], found["each by its own, compiled"]
    assert own != pytest.approx(found["one"], abs=0.1)
    assert own == pytest.approx(found["one"], abs=0.2)
    assert compiled == pytest.approx(own, abs=0.05)
    assert found["two"][2] < found["two"][0]
    assert "without XLA" not in done.stdout


@pytest.mark.parametrize(
    ("clips", "devices", "asked", "batch", "faster"),
    [
        (2700, 1, None, 32, 1),
        (2700, 2, None, 32, 1),
        (2700, 4, None, 32, 1),
        (2700, 16, None, 128, 2),
        (100, 4, None, 32, 2),
        (2700, 2, 64, 64, 1),
        (2700, 2, 4, 8, 2**0.5),
    ],
)
def test_steps_stay_the_same_until_devices_would_have_too_little_to_do(
    clips: int, devices: int, asked: int | None, batch: int, faster: float
) -> None:
    pace = choose_pace(clips, devices, asked)
    assert (pace.batch_size, pace.faster) == (batch, pytest.approx(faster))
