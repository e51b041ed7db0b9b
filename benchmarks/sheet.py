"""A sheet of sounds as pictures: recordings, what a decoder gives, and what is made of it.

    python -m benchmarks.sheet MODEL_DIR recordings docs/sounds/notes.png --labels violin bass

draws a column for each label, and with `--wavs FOLDER` writes the sounds of the last row there,
each as `<label>.wav`, and as `<label>-before.wav` what the decoder's mean gives with reconstructed
phases.
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.report import DataError
from sound_vae.file_name import plain_names
from sound_vae.fit.arguments import hyperparameters
from sound_vae.model.wav_files import wav_files
from sound_vae.serving.served_model import ModelError, ServedModel, Sounds

MOST_HERTZ = 7350.0  # what lies above is not drawn
RANGE_DB = 60.0  # from black to white


def rows(model: ServedModel, data: Dataset, made: Sounds) -> dict[str, np.ndarray]:
    """Spectrograms (labels, frames, bins) of each kind, in 0..1; a recording is its label's middle.

    Raises ValueError when a label has no recording.
    """
    recordings = []
    for label in made.labels:
        if label and label not in data.labels:
            raise ValueError(f"{label!r} is no label of the recordings")
        clips = data.of_labels([label]) if label else data
        recordings.append(np.asarray(clips.clips[len(clips) // 2], np.float32))
    decoded = model.vae.decode(tf.constant(made.z)).numpy()
    return {
        "recording": np.stack(recordings),
        "mean of the decoder": decoded,
        "made": made.spectrograms().astype(np.float32),
    }


def draw(kinds: dict[str, np.ndarray], model: ServedModel, labels: list[str], file: Path) -> None:
    """Draw each relative to its loudest value."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt
    from PIL import Image

    transform = model.transform
    shown = min(transform.sample_rate / 2, MOST_HERTZ)
    bins = round(shown * transform.n_fft / transform.sample_rate)
    extent = (0, transform.seconds, 0, shown / 1000)
    figure, axes = plt.subplots(
        len(kinds), len(labels), figsize=(14.7, 7.7), squeeze=False, layout="constrained"
    )
    for row, (kind, sounds) in zip(axes, kinds.items(), strict=True):
        for axis, label, values in zip(row, labels, sounds, strict=True):
            decibels = (values[:, :bins] - values.max()) * -transform.floor_db
            axis.imshow(
                decibels.T,
                "inferno",
                origin="lower",
                aspect="auto",
                extent=extent,
                vmin=-RANGE_DB,
                vmax=0,
            )
            axis.set_title(f"{label}, {kind}", fontsize=9)
        row[0].set_ylabel("kHz")
    for axis in axes[-1]:
        axis.set_xlabel("s")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100)
    plt.close(figure)
    Image.open(file).quantize(256).save(file, optimize=True)  # a fifth of the bytes


def reconstructed(decoded: np.ndarray, model: ServedModel) -> list[bytes]:
    """WAV files of decoded values (sounds, frames, bins), as a model without vocoder makes them."""
    iterations = hyperparameters()["griffin_lim_iterations"]["default"]
    waves = model.transform.waveform(tf.constant(decoded), iterations)
    return list(wav_files(waves, model.transform.sample_rate, model.description.trim_db).numpy())


def main() -> None:
    """Make, draw, and write what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a folder that train.py wrote, or a model.tar.gz")
    parser.add_argument("data", type=Path, help="a folder of the recordings")
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    parser.add_argument("--labels", nargs="+", help="five of the model's labels when not given")
    parser.add_argument("--seed", type=int, default=0, help="of the sounds")
    parser.add_argument("--wavs", type=Path, help="a folder to write the sounds to as well")
    args = parser.parse_args()
    try:
        model = ServedModel.load(args.model)
        labels = args.labels or model.labels[:5] or [""]
        if unknown := [label for label in args.labels or [] if label not in model.labels]:
            parser.error(f"{unknown[0]!r} is no label of {model.name}: {', '.join(model.labels)}")
        data = read_dataset(args.data, **model.transform.how_to_read())
        made = model.sample(labels, [args.seed] * len(labels))
        kinds = rows(model, data, made)
        draw(kinds, model, labels, args.picture)
        if args.wavs:
            args.wavs.mkdir(parents=True, exist_ok=True)
            before = reconstructed(kinds["mean of the decoder"], model)
            for name, now, then in zip(plain_names(labels), made.wavs, before, strict=True):
                (args.wavs / f"{name}.wav").write_bytes(now)
                (args.wavs / f"{name}-before.wav").write_bytes(then)
    except (DataError, ModelError, OSError, ValueError) as error:
        parser.error(str(error))
    print(f"written to {args.picture}")


if __name__ == "__main__":
    main()
