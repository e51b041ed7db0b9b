"""Several devices learn what one learns: each takes its part of every batch."""

import pytest

from sound_vae.fit.schedule import choose_pace
from tests.training import two_devices

PROGRAM = """
tf.random.stateless_normal = lambda shape, *_, **__: tf.zeros(shape)
from sound_vae.cluster import Cluster
from sound_vae.fit.device import Device
from sound_vae.model import normalization
from tests.training.fit.test_device import made, run
trainers = {"one": made(Device()), "two": made(Device(), Cluster(strategy))}
normalization.ENOUGH = 2  # what each of two devices has of four clips
trainers["each by its own"] = made(Device(), Cluster(strategy))
trainers["each by its own, compiled"] = made(Device(xla=True), Cluster(strategy))
for trainer in trainers.values():
    trainer.vae.set_weights(trainers["one"].vae.get_weights())
    trainer.listener.network.set_weights(trainers["one"].listener.network.get_weights())
found = {devices: run(trainer) for devices, trainer in trainers.items()}
"""


def test_two_devices_of_a_machine_learn_as_one_does() -> None:
    found, said = two_devices.run(PROGRAM)
    # a device takes the logarithm of its own clips' error, here of two; and it clips its gradients
    assert found["two"] == pytest.approx(found["one"], abs=0.1)
    own, compiled = found["each by its own"], found["each by its own, compiled"]
    assert own != pytest.approx(found["one"], abs=0.1)
    assert own == pytest.approx(found["one"], abs=0.2)
    assert compiled == pytest.approx(own, abs=0.05)
    assert found["two"][2] < found["two"][0]
    assert "without XLA" not in said


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
