"""Where the data lies, how many bits are computed with, what compiles: all learn the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import Scratch
from sound_vae.fit.device import Device, _precision
from sound_vae.fit.schedule import Schedule
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.listener import Listener
from sound_vae.model.recogniser import Recogniser
from sound_vae.model.spectrogram import Transform

TRANSFORM = Transform(4000, 32 * 32, 128, 32)
ARCHITECTURE = Architecture("default", 32, 64, latent_dim=4, channels=8)


def made(device: Device, cluster: Cluster | None = None) -> Trainer:
    """Eight batches an epoch of made-up clips in a file, with a listener."""
    keras.utils.set_random_seed(0)
    cluster = cluster or Cluster()
    scratch = Scratch((40, 32, 64), np.float16)
    clips = np.random.default_rng(0).random(scratch.shape) * np.linspace(1, 0, 64)
    scratch.write(0, clips.astype(np.float16))
    data = Dataset.of(scratch.array(), TRANSFORM, np.arange(40) % 2, ["a", "b"])
    with cluster.strategy.scope():
        vae, listener = VAE(ARCHITECTURE), Listener(Recogniser.untrained(TRANSFORM, 2))
    return Trainer(
        vae,
        data.subset(np.arange(8, 40)),
        data.subset(np.arange(8)),
        Schedule(2, 4, 2e-3, 0, 3, 0),
        listener=listener,
        device=device,
        cluster=cluster,
    )


def run(trainer: Trainer) -> list[float]:
    losses: list[float] = []
    trainer.run(lambda figures: losses.extend((figures["train_loss"], figures["val_loss"])))
    return losses


@pytest.fixture(scope="module")
def losses() -> list[float]:
    """With everything in memory, in float32 and without XLA."""
    trainer = made(Device())
    assert trainer.resident is not None
    return run(trainer)


def test_streamed_data_is_learnt_from_as_resident_data_is(losses: list[float]) -> None:
    trainer = made(Device(resident_bytes=0))
    assert trainer.resident is None
    assert run(trainer) == pytest.approx(losses, abs=1e-5)


def test_half_precision_with_xla_learns_weights_of_full_precision(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # XLA draws other random numbers from the same seed, so there are none
    monkeypatch.setattr(tf.random, "stateless_normal", lambda shape, *_, **__: tf.zeros(shape))
    exact = run(made(Device()))
    trainer = made(Device(precision="mixed_float16", xla=True))
    halved = run(trainer)
    assert "without XLA" not in capsys.readouterr().out
    assert halved[2] < halved[0]
    assert halved == pytest.approx(exact, abs=0.03)
    assert {variable.dtype for variable in trainer.vae.variables} == {"float32"}
    assert {layer.compute_dtype for layer in trainer.vae.decoder.layers} == {"float32"}


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_a_step_computes_in_half_precision_but_for_what_the_loss_sees(precision: str) -> None:
    trainer = made(Device(precision=precision))
    graph = tf.function(trainer._step).get_concrete_function(
        tf.zeros([4, 32, 64]), tf.zeros([4], tf.int32), tf.constant(1.0)
    )
    types: dict[str, set[str]] = {}
    for operation in graph.graph.get_operations():
        outputs = {output.dtype.name for output in operation.outputs}
        types[operation.type] = types.get(operation.type, set()) | outputs
    assert precision.removeprefix("mixed_") in types["Conv2D"]
    for precise in ("Log", "Exp", "Sigmoid", "Tanh", "Rsqrt"):
        assert types[precise] == {"float32"}, precise


def test_training_goes_on_where_xla_cannot_compile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], losses: list[float]
) -> None:
    compiled: list[bool] = []
    compile_ = Trainer._compile

    def fails_with_xla(self: Trainer, xla: bool) -> None:
        compile_(self, xla)
        compiled.append(xla)
        if xla:

            def fail(*_: tf.Tensor) -> None:
                raise tf.errors.InvalidArgumentError(None, None, "no such instruction")

            self._train_steps = fail

    monkeypatch.setattr(Trainer, "_compile", fails_with_xla)
    assert run(made(Device(xla=True))) == pytest.approx(losses, abs=1e-5)
    assert compiled == [True, False]
    assert "going on without XLA: no such instruction" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        (None, "float32"),
        ((6, 0), "float32"),  # P100
        ((7, 5), "mixed_float16"),  # T4
        ((8, 6), "mixed_bfloat16"),  # A10G
        ((9, 0), "mixed_bfloat16"),
    ],
)
def test_bits_are_those_that_the_gpu_has_units_for(
    capability: tuple[int, int] | None, precision: str
) -> None:
    assert _precision(capability) == precision


def test_an_epoch_of_few_clips_goes_through_them_as_often_as_steps_are_wanted() -> None:
    keras.utils.set_random_seed(0)
    data = Dataset.of(np.zeros((6, 32, 64), np.float16), TRANSFORM)
    trainer = Trainer(VAE(ARCHITECTURE), data, data, Schedule(1, 4, 2e-3, 0, 3, 0, least_steps=9))
    asked = np.concatenate([clips.numpy().ravel() for _, clips, _ in trainer.calls(1)])
    assert len(asked) == 9 * 4
    for first in range(0, 36, 6):
        assert sorted(asked[first : first + 6]) == list(range(6))
