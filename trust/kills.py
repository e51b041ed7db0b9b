"""A training that is killed at any moment goes on where it was, to the same model."""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from trust import ROOT
from trust.promise import Promise

EPOCHS = 40
KILLS_OF_A_RUN = 10
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


class Runs:
    """Runs of one training, each in a process of its own that can be killed."""

    def __init__(self, server: Any, folder: Path, epochs: int) -> None:
        self.server, self.folder, self.log = server, folder, folder / "log"
        data, self.model = folder / "data", folder / "model"
        data.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for i in range(12):
            np.save(data / f"{i}.npy", rng.random((16, 16), dtype=np.float32))
        self.arguments = ["--data", str(data), "--model-dir", str(self.model)]
        self.arguments += ["--checkpoint-dir", str(folder / "checkpoints"), "--batch-size", "4"]
        self.arguments += ["--epochs", str(epochs), "--channels", "8", "--latent-dim", "2"]

    def start(self, compiled: bool = True) -> int:
        """Start a run; what is not compiled starts sooner, but cannot export."""
        request = {"arguments": self.arguments, "log": str(self.log), "compiled": compiled}
        self.server.stdin.write(json.dumps(request) + "\n")
        return int(self.server.stdout.readline())

    def ended_within(self, seconds: float) -> bool:
        """Wait so long for the end of the run; tell whether it came."""
        return bool(select.select([self.server.stdout], [], [], seconds)[0])

    def end(self) -> int:
        """Wait for the end of the run; give its exit code."""
        return int(self.server.stdout.readline())

    def printed(self) -> list[int]:
        """Epochs that all runs until now have reported, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        lines = [line for line in lines if line.startswith("figures: epoch=")]
        return [int(line.split()[1][6:]) for line in lines]

    def saved(self) -> int:
        """Epochs that the checkpoint holds."""
        file = self.folder / "checkpoints" / "checkpoint.npz"
        if not file.exists():
            return 0
        with np.load(file, allow_pickle=False) as content:
            history = json.loads(content["about"].tobytes())["history"]
        assert [figures["epoch"] for figures in history] == list(range(1, len(history) + 1))
        return len(history)

    def wait(self, process: int, epochs: int) -> None:
        """Wait until so many epochs are saved."""
        deadline = time.monotonic() + 300
        while self.saved() < epochs:
            os.kill(process, 0)  # raises when it has ended
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def weights(self) -> list[np.ndarray]:
        """Read the weights of the model, which must be whole."""
        from sound_vae.serving.served_model import ServedModel

        assert (self.model / "1" / "saved_model.pb").is_file()
        assert (self.model / "1" / "variables" / "variables.index").is_file()
        weights: list[np.ndarray] = ServedModel.load(self.model).vae.get_weights()
        return weights


@contextmanager
def fork_server() -> Iterator[Any]:
    """Start the process that runs are forked from."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "training")}
    # -P: what lies beside the script is not to be taken for packages of the same names
    command = [sys.executable, "-P", "-u", str(ROOT / "trust" / "fork_server.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, bufsize=1, env=environment
    ) as server:
        yield server
        assert server.stdin is not None
        server.stdin.close()


def kill(runs: Runs, seconds: float, number: signal.Signals) -> bool:
    """Kill a run after some seconds; tell whether it still ran."""
    before, lines = runs.saved(), len(runs.printed())
    process = runs.start()
    if not runs.ended_within(seconds):
        with contextlib.suppress(ProcessLookupError):  # it has ended just now
            os.kill(process, number)
    code = runs.end()
    if code == 0:
        return False
    stopped = (-number, 128 + signal.SIGTERM) if number == signal.SIGTERM else (-number,)
    assert code in stopped, f"ended with {code} after {number.name}"
    printed = runs.printed()[lines:]
    assert printed == list(range(before + 1, before + 1 + len(printed)))
    assert 0 <= runs.saved() - before - len(printed) <= 1  # it is saved, then printed
    if (runs.model / "1").exists():
        assert runs.weights()
    return True


def _check(attempts: int) -> str:
    rng = random.Random(0)
    killed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name, fork_server() as server:
        undisturbed = Runs(server, Path(name) / "undisturbed", EPOCHS)
        started = time.monotonic()
        undisturbed.start()
        assert undisturbed.end() == 0, undisturbed.log.read_text()
        whole, weights = time.monotonic() - started, undisturbed.weights()
        trainings = 0
        while killed.total() < attempts:
            trainings += 1
            runs = Runs(server, Path(name) / f"{trainings}", EPOCHS)
            for _ in range(min(KILLS_OF_A_RUN, attempts - killed.total())):
                number = rng.choice(SIGNALS)
                killed[number.name] += kill(runs, rng.uniform(0, whole), number)
            runs.start()
            assert runs.end() == 0, runs.log.read_text()
            assert runs.saved() == EPOCHS
            for a, b in zip(runs.weights(), weights, strict=True):
                np.testing.assert_allclose(a, b, rtol=2**-7, atol=1e-4)  # of rounded weights
            assert {path.name for path in runs.folder.iterdir()} <= {
                *("data", "log", "checkpoints", "model")
            }
    counts = " and ".join(f"{count} by {name}" for name, count in sorted(killed.items()))
    return (
        f"{killed.total()} of {killed.total()} ({counts}); all {trainings} trainings ended with "
        f"{EPOCHS} epochs and the weights of one that was left alone"
    )


PROMISES = [
    Promise(
        "A training that is killed goes on where it was and ends with the same model; the model "
        "folder never holds a part of one.",
        "A small training, killed by SIGKILL or SIGTERM at random moments from its start to its "
        "end, several times each, then left to end",
        50,
        _check,
    )
]
