"""Devices that share a batch normalise by all of it, and learn from it as one device does."""

import numpy as np
import pytest

from sound_vae.cluster import Cluster
from sound_vae.model.autoencoder import VAE, Architecture
from sound_vae.model.normalization import ENOUGH, synchronise
from tests.training import two_devices

PROGRAM = """
import keras
import numpy as np
from sound_vae.cluster import Cluster
from sound_vae.model.normalization import BatchNormalization, synchronise
rng = np.random.default_rng(0)
x = rng.normal(size=(8, 5, 3)).astype(np.float32) * [1, 2, 3] + np.arange(8)[:, None, None]
wanted = rng.normal(size=x.shape).astype(np.float32)
found = {}
for name, cluster in {
    "one": Cluster(),
    "two": Cluster(strategy),
}.items():
    with cluster.strategy.scope():
        layer = BatchNormalization()
        model = keras.Sequential([keras.Input((5, 3)), keras.layers.Dense(3), layer])
        model.layers[0].set_weights([np.eye(3) + 0.1, np.ones(3)])
    exchanges = synchronise(cluster, 8 // cluster.replicas, model)

    @tf.function
    def step(x, wanted):
        def of_replica():
            with tf.GradientTape() as tape:
                made = model(cluster.part(x), training=True)
                loss = tf.reduce_mean(tf.square(made - cluster.part(wanted))) / cluster.replicas
            context = tf.distribute.get_replica_context()
            gradients = tape.gradient(loss, model.trainable_variables)
            return context.all_reduce("SUM", gradients)
        return cluster.strategy.experimental_local_results(cluster.strategy.run(of_replica))[0]

    gradients = step(tf.constant(x, tf.float32), tf.constant(wanted))
    values = [*gradients, layer.moving_mean, layer.moving_variance]
    found[name] = [exchanges, [np.asarray(value).tolist() for value in values]]
"""


def test_two_devices_have_the_gradients_and_averages_of_one() -> None:
    found, _ = two_devices.run(PROGRAM)
    assert (found["one"][0], found["two"][0]) == (0, 1)
    for one, two in zip(found["one"][1], found["two"][1], strict=True):
        np.testing.assert_allclose(two, one, atol=2e-6)


@pytest.mark.parametrize(
    ("devices", "clips", "exchanges"),
    [(1, 8, False), (2, ENOUGH, False), (2, ENOUGH - 1, True), (4, 8, True)],
)
def test_devices_exchange_means_where_each_has_few_clips(
    devices: int, clips: int, exchanges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "replicas", devices)
    vae = VAE(Architecture("default", 32, 64, latent_dim=4, channels=8))
    assert (synchronise(Cluster(), clips, vae.encoder, vae.decoder) > 0) == exchanges
