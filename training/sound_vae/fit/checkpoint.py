"""The state of a run after each epoch, so that a run which was cut short can go on.

    checkpoint = Checkpoint(folder, fingerprint({"epochs": 60}, data))
    history = checkpoint.restore(trainer)    # the epochs that are done already
    checkpoint.save(trainer, history)

It is one file that a rename replaces: whoever copies it while training goes on, as SageMaker does
to S3, gets the previous state or the next, whole.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sound_vae.data.dataset import Dataset
from sound_vae.fit.trainer import Trainer
from sound_vae.log import sentence

FILE = "checkpoint.npz"
History = list[dict[str, float]]


class Checkpoint:
    """The newest state of the run with this fingerprint, in a folder that holds nothing else."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.file, self.fingerprint = folder / FILE, fingerprint

    def save(self, trainer: Trainer, history: History) -> None:
        """Replace the state by that after the last epoch of `history`.

        A disk that cannot take it costs the checkpoint, not the run.
        """
        about = {
            "fingerprint": self.fingerprint,
            "best_loss": trainer.best_loss,
            "history": history,
        }
        arrays: dict[str, Any] = {
            f"{part}/{i}": array
            for part, values in _parts(trainer).items()
            for i, array in enumerate(values)
        }
        unfinished = self.file.with_suffix(".unfinished")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
                np.savez(file, digest=_digest(arrays), **arrays)
                file.flush()
                os.fsync(file.fileno())  # or a power cut leaves the new name on old blocks
            unfinished.replace(self.file)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            print(sentence(f"no checkpoint of epoch {len(history)}: {error}"), flush=True)

    def restore(self, trainer: Trainer) -> History:
        """Bring the trainer to the saved state and give the figures of the epochs done.

        Without a state that fits, the trainer stays as it is and the list is empty.
        """
        if not self.file.is_file():
            return []
        try:
            about, arrays = _read(self.file)
            if about["fingerprint"] != self.fingerprint:
                self._say("is of other data or hyperparameters: starting afresh")
                return []
            _put_back(trainer, arrays, about["best_loss"])
        except Exception as error:  # what zip files and arrays raise when a byte of them is wrong
            self._say(f"cannot be used ({_first_line(error)}): starting afresh")
            return []
        done, of = len(about["history"]), trainer.schedule.epochs
        print(sentence(f"going on after epoch {done} of {of} from {self.file}"), flush=True)
        return about["history"]

    def _say(self, words: str) -> None:
        print(sentence(f"{self.file} {words}"), flush=True)


def fingerprint(settings: dict[str, Any], data: Dataset, weights: Sequence[np.ndarray] = ()) -> str:
    """Hash all that decides how a run goes; `weights` are those it begins with, if not new."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps(data.names).encode())
    digest.update(data.digest())
    for array in (data.label_ids, *weights):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def _read(file: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `save` wrote; raises one of many exceptions when it is not exactly that.

    The file's own check sums do not reach all of it: an array that says it is smaller than it is
    would be taken for whole.
    """
    with np.load(file, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    if not np.array_equal(arrays.pop("digest"), _digest(arrays)):
        raise ValueError("it is not what was written")
    return json.loads(arrays["about"].tobytes()), arrays


def _digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Hash names, shapes and values."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return np.frombuffer(digest.digest(), np.uint8)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _parts(trainer: Trainer) -> dict[str, list[np.ndarray]]:
    """All that later epochs depend on; order and noise follow from seed, epoch and step."""
    return {
        "weights": trainer.vae.get_weights(),
        "best": trainer.best_weights,
        "optimizer": [variable.numpy() for variable in trainer.adam.variables],
        # no epoch changes it, but training it again gives slightly other losses
        "listener": trainer.listener.network.get_weights() if trainer.listener else [],
    }


def _put_back(trainer: Trainer, arrays: dict[str, np.ndarray], best_loss: float) -> None:
    """Assign all parts, or none: raises ValueError when one has another shape."""
    saved: dict[str, list[np.ndarray]] = {}
    for part, present in _parts(trainer).items():
        saved[part] = [arrays[f"{part}/{i}"] for i in range(len(present))]
        for here, there in zip(present, saved[part], strict=True):
            if np.shape(here) != np.shape(there):
                raise ValueError(f"{part} of shape {np.shape(there)}, not {np.shape(here)}")
    trainer.vae.set_weights(saved["weights"])
    for variable, value in zip(trainer.adam.variables, saved["optimizer"], strict=True):
        variable.assign(value)
    if trainer.listener:
        trainer.listener.network.set_weights(saved["listener"])
    trainer.best_weights, trainer.best_loss = saved["best"], best_loss
