"""The variational autoencoder: spectrogram -> mu, log_var -> z -> spectrogram.

    vae = VAE(Architecture("default", frames=128, bins=128))
    mu, log_var = vae.encode(spectrograms)   # (batch, latent_dim) each
    spectrograms = vae.decode(mu)            # (batch, frames, bins) in 0..1

Presets:
    default    1-D convolutions over time with the bins as channels, 0.9 M parameters
    reference  2-D convolutions of 512, 256, 128, 64 and 32 filters over 256 bins x 64 frames,
               2.4 M parameters and some 50 times the arithmetic
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from sound_vae.model.framing import halvings
from sound_vae.model.normalization import BatchNormalization

LOG_VAR_MIN, LOG_VAR_MAX = -12.0, 6.0


@dataclass(frozen=True)
class Architecture:
    """What it takes to build the networks again; saved with the model."""

    preset: str
    frames: int
    bins: int
    latent_dim: int = 0  # 0: the preset's own
    channels: int = 144  # of the default preset

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"preset {self.preset!r} is unknown: one of {sorted(PRESETS)}")
        if not self.latent_dim:
            object.__setattr__(self, "latent_dim", PRESETS[self.preset]["latent_dim"])

    def to_json(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)


class VAE(keras.Model):
    """Mirrored convolutional encoder and decoder with bounded log-variance."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        preset = PRESETS[architecture.preset]
        self.encoder = preset["encoder"](architecture)
        self.decoder = preset["decoder"](architecture)
        self.built = True

    def encode(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """(batch, frames, bins) to mu and log_var, (batch, latent_dim) each."""
        return self.encoder(x, training=training)

    def decode(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """(batch, latent_dim) to (batch, frames, bins) in 0..1."""
        return self.decoder(z, training=training)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reconstruct x from its posterior mean."""
        return self.decode(self.encode(x, training)[0], training)


FULL_PRECISION = {"mu", "free", "log_var", "values", "plane", "turned"}  # what the loss sees


@contextmanager
def computing_in(policy: str, *models: keras.Model) -> Iterator[None]:
    """Let layers compute with fewer bits while a graph is traced; weights stay float32.

    `policy` is one of Keras: float32, mixed_float16, mixed_bfloat16. Batch normalisation takes its
    statistics in float32 anyway, and so do the layers whose output enters the loss.
    """
    chosen = [x for model in models for x in model.layers if x.name not in FULL_PRECISION]
    before = [layer.dtype_policy for layer in chosen]
    try:
        for layer in chosen:
            layer.dtype_policy = policy
        yield
    finally:
        for layer, own in zip(chosen, before, strict=True):
            layer.dtype_policy = own


def elbo_loss(mse: tf.Tensor, kl: tf.Tensor, values: int) -> tf.Tensor:
    """Negative evidence lower bound in nats per value, without its constant.

    `mse` is the mean squared error, `kl` the nats per clip, `values` how many a clip has. The
    Gaussian likelihood's variance is its own optimum, the error itself, so there is no weight to
    choose: Rybkin, Daniilidis, Levine, "Simple and effective VAE training with calibrated
    decoders" (2021).
    """
    return 0.5 * tf.math.log(mse + 1e-6) + kl / values


def kl_divergence(mu: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
    """KL(N(mu, exp(log_var)) || N(0, I)) in nats, (batch,).

    For a prior around another mean, give mu relative to it.
    """
    return 0.5 * tf.reduce_sum(tf.square(mu) + tf.exp(log_var) - 1.0 - log_var, axis=-1)


class BoundedLogVar(layers.Layer):
    """Squashes smoothly into LOG_VAR_MIN..LOG_VAR_MAX, so that the KL term cannot blow up."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Squash each value."""
        middle = (LOG_VAR_MIN + LOG_VAR_MAX) / 2
        half = (LOG_VAR_MAX - LOG_VAR_MIN) / 2
        return middle + half * ops.tanh((x - middle) / half)


def _posterior(features: Any, latent_dim: int) -> list[Any]:
    mu = layers.Dense(latent_dim, name="mu")(features)
    log_var = BoundedLogVar(name="log_var")(layers.Dense(latent_dim, name="free")(features))
    return [mu, log_var]


def _normalised(x: Any) -> Any:
    return layers.LeakyReLU(0.1)(BatchNormalization(momentum=0.9)(x))


BOTTLENECK_CHANNELS = 32  # few, for the dense layers next to them hold channels x frames
HIDDEN = 192  # units between the bottleneck and z, where neighbours in z become unlike in sound


def _default_encoder(a: Architecture) -> keras.Model:
    spectrogram = layers.Input((a.frames, a.bins))
    x = layers.Conv1D(a.channels, 1)(spectrogram)
    for _ in range(halvings(a.frames)):
        x = _normalised(layers.Conv1D(a.channels, 4, strides=2, padding="same", use_bias=False)(x))
    x = layers.Flatten()(layers.Conv1D(BOTTLENECK_CHANNELS, 1)(x))
    x = _normalised(layers.Dense(HIDDEN, use_bias=False)(x))
    return keras.Model(spectrogram, _posterior(x, a.latent_dim), name="encoder")


def _default_decoder(a: Architecture) -> keras.Model:
    z = layers.Input((a.latent_dim,))
    frames = math.ceil(a.frames / 2 ** halvings(a.frames))
    x = z
    for _ in range(2):
        x = layers.LeakyReLU(0.1)(layers.Dense(HIDDEN)(x))
    # straight to the bins: convolutions with few channels learn lines that hold for long slowly
    steady = layers.Reshape((1, a.bins))(layers.Dense(a.bins)(x))
    x = layers.Dense(frames * BOTTLENECK_CHANNELS)(x)
    x = layers.Reshape((frames, BOTTLENECK_CHANNELS))(x)
    x = _normalised(layers.Conv1D(a.channels, 1, use_bias=False)(x))
    for _ in range(halvings(a.frames)):
        # twice the channels, then read as twice the frames: cheaper than a strided transpose
        x = layers.Conv1D(2 * a.channels, 3, padding="same", use_bias=False)(x)
        frames *= 2
        x = _normalised(layers.Reshape((frames, a.channels))(x))
    x = layers.Add()([layers.Conv1D(a.bins, 1)(x), steady])
    x = layers.Activation("sigmoid", name="values")(x)
    return keras.Model(z, x, name="decoder")


REFERENCE_FILTERS = (512, 256, 128, 64, 32)
REFERENCE_STRIDES = (2, 2, 2, 2, (2, 1))  # (bins, frames)


def _reference_encoder(a: Architecture) -> keras.Model:
    if a.bins % 32 or a.frames % 16:
        raise ValueError(
            f"preset reference needs bins in multiples of 32 and frames in multiples of 16, "
            f"not {a.bins} bins x {a.frames} frames"
        )
    spectrogram = layers.Input((a.frames, a.bins))
    x = layers.Reshape((a.bins, a.frames, 1))(layers.Permute((2, 1))(spectrogram))
    for filters, strides in zip(REFERENCE_FILTERS, REFERENCE_STRIDES, strict=True):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", activation="relu")(x)
        x = BatchNormalization()(x)
    return keras.Model(spectrogram, _posterior(layers.Flatten()(x), a.latent_dim), name="encoder")


def _reference_decoder(a: Architecture) -> keras.Model:
    z = layers.Input((a.latent_dim,))
    shape = (a.bins // 32, a.frames // 16, REFERENCE_FILTERS[-1])
    x = layers.Reshape(shape)(layers.Dense(math.prod(shape))(z))
    for filters, strides in zip(REFERENCE_FILTERS[:0:-1], REFERENCE_STRIDES[:0:-1], strict=True):
        x = layers.Conv2DTranspose(filters, 3, strides=strides, padding="same", activation="relu")(
            x
        )
        x = BatchNormalization()(x)
    x = layers.Conv2DTranspose(
        1, 3, strides=REFERENCE_STRIDES[0], padding="same", activation="sigmoid", name="values"
    )(x)
    x = layers.Reshape((a.bins, a.frames), name="plane")(x)
    x = layers.Permute((2, 1), name="turned")(x)
    return keras.Model(z, x, name="decoder")


PRESETS: dict[str, dict[str, Any]] = {
    "default": {"encoder": _default_encoder, "decoder": _default_decoder, "latent_dim": 40},
    "reference": {"encoder": _reference_encoder, "decoder": _reference_decoder, "latent_dim": 128},
}
