"""What a trained VAE makes of many clips, batch by batch."""

import math

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import batches
from sound_vae.model.autoencoder import VAE


def posteriors(vae: VAE, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Encode every clip to the mean and log-variance of its posterior, (clips, latent_dim) each."""
    encode = tf.function(lambda x: vae.encode(tf.cast(x, tf.float32)))
    parts = [encode(tf.constant(data.clips[part])) for part in batches(data.clips)]
    mu, log_var = zip(*parts, strict=True)
    return np.concatenate(mu), np.concatenate(log_var)


def posterior_means(vae: VAE, data: Dataset) -> np.ndarray:
    """Encode every clip to the mean of its posterior, (clips, latent_dim)."""
    return posteriors(vae, data)[0]


def residual(vae: VAE, data: Dataset, above: float) -> float:
    """Root mean square error of coding and decoding, over the values that are decoded `above`."""
    total, count = 0.0, 0
    for part in batches(data.clips):
        x = tf.cast(data.clips[part], tf.float32)
        decoded = vae(x).numpy()
        errors = (decoded - x.numpy())[decoded > above]
        total, count = total + float(np.square(errors).sum()), count + errors.size
    return math.sqrt(total / max(count, 1))
