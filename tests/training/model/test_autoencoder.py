import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.autoencoder import (
    LOG_VAR_MAX,
    LOG_VAR_MIN,
    VAE,
    Architecture,
    elbo_loss,
    kl_divergence,
)


@pytest.mark.parametrize(("frames", "bins"), [(128, 128), (64, 256), (24, 16), (352, 512)])
def test_the_default_preset_gives_back_the_shape_it_got(frames: int, bins: int) -> None:
    vae = VAE(Architecture("default", frames, bins, latent_dim=8, channels=8))
    x = np.random.default_rng(0).random((2, frames, bins), np.float32)
    mu, log_var = vae.encode(x)
    assert mu.shape == log_var.shape == (2, 8)
    y = vae.decode(mu).numpy()
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1


def test_the_reference_preset_is_five_2d_convolutions_over_256_by_64() -> None:
    vae = VAE(Architecture("reference", frames=64, bins=256))
    kernels = [layer for layer in vae.encoder.layers if "conv2d" in layer.name]
    assert [layer.filters for layer in kernels] == [512, 256, 128, 64, 32]
    assert [layer.strides for layer in kernels] == [(2, 2)] * 4 + [(2, 1)]
    assert {layer.kernel_size for layer in kernels} == {(3, 3)}
    assert vae.architecture.latent_dim == 128
    assert vae.count_params() == pytest.approx(2.37e6, rel=0.05)
    assert vae.decode(vae.encode(tf.zeros([1, 64, 256]))[0]).shape == (1, 64, 256)


def test_the_reference_preset_names_the_shapes_it_can_do() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        VAE(Architecture("reference", frames=60, bins=100))


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="default"):
        Architecture("huge", 128, 128)


def test_log_variance_stays_bounded_whatever_comes_in() -> None:
    vae = VAE(Architecture("default", 16, 16, latent_dim=4, channels=8))
    _, log_var = vae.encode(1e4 * tf.random.stateless_normal([8, 16, 16], [1, 2]))
    assert LOG_VAR_MIN <= log_var.numpy().min() <= log_var.numpy().max() <= LOG_VAR_MAX


def test_the_loss_is_the_gaussian_likelihood_at_its_best_variance() -> None:
    mse, values, kl = 0.01, 1000, 50.0
    at = [mse / v + np.log(v) for v in (0.009, 0.01, 0.011)]  # -2 log N / D, up to a constant
    assert at[1] == min(at)
    expected = 0.5 * (at[1] - 1) + kl / values
    assert float(elbo_loss(tf.constant(mse), tf.constant(kl), values)) == pytest.approx(
        expected, abs=1e-3
    )


def test_the_divergence_from_the_prior_is_zero_at_the_prior() -> None:
    zero = tf.zeros([1, 5])
    assert float(kl_divergence(zero, zero)[0]) == 0
    assert float(kl_divergence(zero + 2, zero)[0]) == pytest.approx(10)  # 5 x 2^2 / 2
