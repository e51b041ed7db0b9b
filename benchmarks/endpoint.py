"""How long the served model takes from a label to the bytes of a WAV file.

Runs in a process of its own, because TensorFlow sets its number of threads only once:

    python -m benchmarks.endpoint MODEL_DIR --cores 1 --count 1
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measurement import Row, Section, peak_mib, seconds

ROUNDS, PLAIN_ROUNDS = 30, 10
TEMPERATURE = 0.9
BATCH = 16


def measure(model_dir: Path, cores: int, count: int, plain: bool = False) -> dict[str, float]:
    """Seconds of loading, of the first request and of a later one; peak memory in MiB.

    With `plain` also those of a later sound without the served graph.
    """
    os.sched_setaffinity(0, range(cores))
    import tensorflow as tf

    from local.sagemaker.tensorflow_serving import TensorFlowServing

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)
    loaded: list[TensorFlowServing] = []
    load = seconds(lambda: loaded.append(TensorFlowServing(model_dir)))
    inputs = {
        "label": [""] * count,
        "seed": list(range(count)),
        "temperature": [TEMPERATURE] * count,
    }

    def request() -> dict[str, Any]:
        return loaded[0].predict({"inputs": inputs})

    first = seconds(request)
    later = statistics.median(seconds(request) for _ in range(ROUNDS))
    figures = {"load": load, "first": first, "later": later, "peak_mib": peak_mib()}
    if plain:
        z = np.array(request()["outputs"]["z"], np.float32)
        figures["plain"] = plain_seconds(model_dir, z)
    return figures


def plain_seconds(model_dir: Path, z: np.ndarray) -> float:
    """Median seconds of the decoder in Keras, librosa's Griffin-Lim and soundfile, for each z."""
    import librosa
    import soundfile

    from sound_vae.serving.served_model import ServedModel

    model = ServedModel.load(model_dir)
    vae, transform = model.vae, model.transform

    def sound() -> None:
        for row in z:
            values = vae.decode(row[None]).numpy()[0].T
            magnitude = librosa.db_to_amplitude((1 - values) * transform.floor_db)
            magnitude = np.pad(magnitude, ((0, 1), (0, 0)))
            wave = librosa.griffinlim(
                magnitude, n_iter=32, hop_length=transform.hop_length, n_fft=transform.n_fft
            )
            wave /= max(np.abs(wave).max(), 1e-6)
            soundfile.write(io.BytesIO(), wave, transform.sample_rate, "PCM_16", format="WAV")

    sound()
    return statistics.median(seconds(sound) for _ in range(PLAIN_ROUNDS))


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Unpack an archive into the folder that an endpoint would see."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def run(archive: Path) -> Section:
    """One sound on one core, a batch on all cores."""
    cores = os.cpu_count() or 1
    with unpacked(archive) as folder:
        one = measured(folder, 1, 1, "--plain")
        many = measured(folder, cores, BATCH)
        plain_many = measured(folder, cores, BATCH, "--plain")["plain"]
    rows = [
        Row(
            "one sound on one core, warm",
            f"{one['later'] * 1000:.1f} ms",
            f"{one['plain'] * 1000:.1f} ms",
            one["plain"] / one["later"],
        ),
        Row(
            f"sounds per second on {cores} cores, {BATCH} a request",
            f"{BATCH / many['later']:.0f}",
            f"{BATCH / plain_many:.0f}",
            plain_many / many["later"],
        ),
        Row("loading the model, warm-up requests included", f"{one['load']:.2f} s"),
        Row("first request after loading", f"{one['first'] * 1000:.0f} ms"),
        Row("model.tar.gz", f"{archive.stat().st_size / 1e6:.2f} MB"),
    ]
    method = (
        f"Medians of {ROUNDS} requests to the starter model, label to WAV bytes, answered by "
        "TensorFlow in a process of its own, without HTTP. Baseline: the same decoder called in "
        "Keras, librosa's Griffin-Lim (32 iterations) and soundfile, one sound after the other."
    )
    return Section("Endpoint", method, rows)


def measured(model_dir: Path, cores: int, count: int, *options: str) -> dict[str, float]:
    """Run `measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.endpoint", str(model_dir)]
    command += ["--cores", str(cores), "--count", str(count), *options]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(answer.splitlines()[-1])
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model_dir", type=Path, help="an unpacked model.tar.gz")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="sounds per request")
    parser.add_argument("--plain", action="store_true", help="also without the served graph")
    args = parser.parse_args()
    print(json.dumps(measure(args.model_dir, args.cores, args.count, args.plain)))
