"""A run that goes on from a trained model, so that a few more recordings need few epochs.

The model decides rate, length, resolution and architecture, for its weights fit no others; the
data must have its labels, for a latent space that was laid out for other ones has no room for more.
"""

import argparse
from pathlib import Path
from typing import Any

from sound_vae.data.dataset import Dataset
from sound_vae.data.report import DataError
from sound_vae.fit.arguments import defaults
from sound_vae.serving.served_model import ModelError, ServedModel

OF_READING = ("sample_rate", "clip_seconds", "n_fft", "hop_length")
MOST_NAMED = 5  # labels in a sentence


def model_to_start_from(archive: Path) -> ServedModel:
    """Open the model.tar.gz or model folder; raises DataError when it cannot be gone on from."""
    try:
        model = ServedModel.load(archive)
        model.vae.count_params()  # reads the weights, now rather than when all sounds are read
    except ModelError as error:
        raise DataError(f"start_from cannot be gone on from: {error}") from error
    return model


def how_to_read(args: argparse.Namespace, start: ServedModel | None) -> dict[str, Any]:
    """Give rate, length and resolution for `read_dataset`: the model's, or else those asked for.

    Raises DataError when a hyperparameter asks for something else than the model has.
    """
    if start is None:
        return {name: getattr(args, name) for name in OF_READING}
    transform, architecture = start.transform, start.description.architecture
    of_the_model = {
        **transform.how_to_read(),
        "preset": architecture.preset,
        "latent_dim": architecture.latent_dim,
        "channels": architecture.channels,
    }
    unasked = defaults(args.quality)
    for name, value in of_the_model.items():
        asked = getattr(args, name)
        if asked not in (unasked[name], value):
            raise DataError(
                f"{name} is {asked}, and the model that start_from names has {value}: leave out "
                "either of the two"
            )
    return {name: of_the_model[name] for name in OF_READING}


def check_labels(data: Dataset, start: ServedModel) -> None:
    """Raise DataError unless the data has exactly the labels of the model."""
    more = [label for label in data.labels if label not in start.labels]
    fewer = [label for label in start.labels if label not in data.labels]
    if not more and not fewer:
        return
    differences = [
        f"{words} {', '.join(labels[:MOST_NAMED])}{' and others' * (len(labels) > MOST_NAMED)}"
        for words, labels in (("also", more), ("not", fewer))
        if labels
    ]
    raise DataError(
        f"the data has other labels than the model that start_from names: {'; '.join(differences)};"
        " name a folder with the same labels, or leave out start_from"
    )
