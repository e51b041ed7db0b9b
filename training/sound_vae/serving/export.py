"""Writes the trained model as the folder that TensorFlow Serving's container reads.

1/saved_model.pb, 1/variables/   signatures serving_default, morph, variations, latents; with a
                                 vocoder also sample_at_pitch, morph_at_pitch, latents_at_pitch
1/assets.extra/                  a request for each of the first four, to warm up with
code/                            checks requests in front of it
model.json, *.weights.h5         what ServedModel reads as well
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from sound_vae.model.autoencoder import VAE
from sound_vae.model.density import LabelMixtures
from sound_vae.model.pitch import pitch_range
from sound_vae.serving import container
from sound_vae.serving.description import EXCITER_FILE, WEIGHTS_FILE, Description
from sound_vae.serving.sound_generator import SoundGenerator
from sound_vae.serving.warmup import Request, write_warmup

UNFINISHED = ".unfinished"  # in a model folder; neither TensorFlow Serving nor a reader looks there
GRAPH_BYTES, WEIGHT_BYTES = 8_000_000, 12  # that a model takes on the disk, at most


def export(
    model_dir: Path,
    vae: VAE,
    density: LabelMixtures,
    description: Description,
    *,
    griffin_lim_iterations: int,
    exciter: keras.Model | None = None,
) -> None:
    """Write everything but metrics.json into model_dir; rounds the density like the weights.

    Call `round_weights` before fitting the density, which depends on the weights.
    """
    density.factors.assign(_rounded(density.factors))
    generator = SoundGenerator(vae, density, description, griffin_lim_iterations, exciter)
    tf.saved_model.save(generator, str(model_dir / "1"), signatures=_signatures(generator))
    requests = warmup_requests(description.transform.sample_rate, vae.architecture.latent_dim)
    write_warmup(model_dir / "1", requests)
    vae.save_weights(model_dir / WEIGHTS_FILE)
    if exciter:
        exciter.save_weights(model_dir / EXCITER_FILE)
    limits = pitch_range(description.transform) if exciter else None
    replace(description, pitch_range=limits).write(model_dir)
    write_handler(model_dir / "code")


def _signatures(generator: SoundGenerator) -> dict[str, Any]:
    found = {
        "serving_default": generator.sample,
        "morph": generator.morph,
        "variations": generator.variations,
        "latents": generator.latents,
    }
    if generator.exciter:
        found |= {
            "sample_at_pitch": generator.sample_at_pitch,
            "morph_at_pitch": generator.morph_at_pitch,
            "latents_at_pitch": generator.latents_at_pitch,
        }
    return found


def write_handler(code: Path) -> None:
    """Write inference.py and the modules that it imports, under their own names."""
    modules = code / "sound_vae" / "serving" / "container"
    modules.mkdir(parents=True, exist_ok=True)
    for source in Path(container.__file__).parent.glob("*.py"):
        to = code if source.name == "inference.py" else modules
        shutil.copyfile(source, to / source.name)


def round_weights(network: keras.Model) -> None:
    """Round each weight to bfloat16 (8 significant bits), so that the archive compresses.

    Must come before anything is derived from the weights.
    """
    for variable in network.trainable_variables:
        variable.assign(_rounded(variable))


def _rounded(values: tf.Variable) -> tf.Tensor:
    return tf.cast(tf.cast(tf.convert_to_tensor(values), tf.bfloat16), tf.float32)


def warmup_requests(sample_rate: int, latent_dim: int) -> list[Request]:
    """Return one request for each signature that every model has.

    Those at a pitch are asked for rarely, and a container starts 1.5 s sooner without them.
    """
    hiss = tf.random.stateless_uniform([sample_rate // 20, 1], seed=[0, 0], minval=-0.5, maxval=0.5)
    seed, temperature = tf.constant([0], tf.int64), tf.constant([0.0])
    return [
        ("serving_default", {"label": tf.constant([""]), "seed": seed, "temperature": temperature}),
        (
            "morph",
            {
                "start": tf.constant(""),
                "end": tf.constant(""),
                "steps": tf.constant(2),
                "seed": seed[0],
                "temperature": temperature[0],
            },
        ),
        (
            "variations",
            {
                "audio_bytes": tf.audio.encode_wav(hiss, sample_rate),
                "seed": seed,
                "temperature": temperature,
            },
        ),
        ("latents", {"z": tf.zeros([1, latent_dim])}),
    ]


def unfinished_folder(model_dir: Path, values: int) -> Path:
    """Make the empty folder that a model of so many weights is written to, and prove it has room.

    It lies within model_dir, so that `publish` need not copy: what is beside a mounted folder may
    be another disk. Raises OSError.
    """
    unfinished = model_dir / UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    room = unfinished / "room"
    with room.open("wb") as file:
        size = GRAPH_BYTES + WEIGHT_BYTES * values
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
    room.unlink()
    return unfinished


def publish(unfinished: Path, model_dir: Path) -> None:
    """Let a finished model be seen in model_dir, which may hold another one and other files.

    All is renamed, so nothing is ever seen in part. If the process is killed on the way, model_dir
    is left without `1/` and is no model. Raises OSError.
    """
    names = sorted((path.name for path in unfinished.iterdir()), key=lambda name: name == "1")
    replaced = unfinished / "replaced"
    replaced.mkdir()
    for name in reversed(names):  # `1` goes first and comes last
        if os.path.lexists(model_dir / name):
            (model_dir / name).rename(replaced / name)
    for name in names:
        (unfinished / name).rename(model_dir / name)
    shutil.rmtree(unfinished)
