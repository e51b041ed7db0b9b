"""What the served graph needs from a label to the bytes of a WAV file.

Runs in a process of its own, for TensorFlow fixes its threads once:

    python -m benchmarks.endpoint MODEL_DIR --cores 1 --count 1
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from benchmarks.measurement import Row, Section, seconds

ROUNDS = 30


def measure(model_dir: Path, cores: int, count: int) -> dict[str, float]:
    """Seconds of loading, of the first request, of a later one, and peak memory in MiB."""
    os.sched_setaffinity(0, range(cores))
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)
    models = []
    load = seconds(lambda: models.append(tf.saved_model.load(str(model_dir / "1"))))
    sample = models[0].signatures["serving_default"]
    inputs = {
        "label": tf.fill([count], ""),
        "seed": tf.range(count, dtype=tf.int64),
        "temperature": tf.fill([count], 0.8),
    }

    def request() -> object:
        return sample(**inputs)["wav_bytes"].numpy()

    first = seconds(request)
    later = statistics.median(seconds(request) for _ in range(ROUNDS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"load": load, "first": first, "later": later, "peak_mib": peak}


def run(archive: Path) -> Section:
    """One sound on one core, a batch on all cores."""
    cores, count = os.cpu_count() or 1, 16
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        one, many = (_measured(Path(folder), c, n) for c, n in ((1, 1), (cores, count)))
    rows = [
        Row("one sound on one core, warm", f"{one['later'] * 1000:.1f} ms"),
        Row(f"sounds per second in batches of {count}", f"{count / many['later']:.0f}"),
        Row("loading the model", f"{one['load']:.2f} s"),
        Row("first request after loading", f"{one['first']:.2f} s"),
        Row("peak memory of the process", f"{one['peak_mib']:.0f} MiB"),
        Row("model.tar.gz", f"{archive.stat().st_size / 1e6:.2f} MB"),
    ]
    method = f"Median of {ROUNDS} calls of the starter's graph, label to WAV bytes, no HTTP."
    return Section("Endpoint", method, rows)


def _measured(model_dir: Path, cores: int, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.endpoint", str(model_dir)]
    command += ["--cores", str(cores), "--count", str(count)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(answer.splitlines()[-1])
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="sounds per request")
    args = parser.parse_args()
    print(json.dumps(measure(args.model_dir, args.cores, args.count)))
