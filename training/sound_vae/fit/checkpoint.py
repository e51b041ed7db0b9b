"""The state of a run after each epoch, so that a run which was cut short can go on.

    checkpoint = Checkpoint(folder, fingerprint({"epochs": 60}, data))
    history = checkpoint.restore(trainer)    # the epochs that are done already
    checkpoint.save(trainer, history)

In a cluster the chief saves, and every machine restores: SageMaker copies the folder to each. They
go on only if all of them can.

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
from sound_vae.data.exchange import Exchange, alone
from sound_vae.fit.trainer import Trainer
from sound_vae.log import sentence

FILE = "checkpoint.npz"
PROGRAM = Path(__file__).parents[1]  # sound_vae
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
        about, parts, digest = None, {}, ""
        if self.file.is_file():
            try:
                about, arrays = _read(self.file)
                parts = _fitting(trainer, arrays)
                digest = _digest(arrays).tobytes().hex()
            except Exception as error:  # what zip files and arrays raise when a byte is wrong
                self._say(f"cannot be used ({_first_line(error)}): starting afresh")
        alike = len(set(trainer.cluster.exchange(digest))) == 1
        if not about or not digest:
            return []
        if about["fingerprint"] != self.fingerprint:
            self._say("is of other data or hyperparameters: starting afresh")
            return []
        if not alike:
            self._say("is not the same on all machines: starting afresh")
            return []
        _put_back(trainer, parts, about["best_loss"])
        done, of = len(about["history"]), trainer.schedule.epochs
        print(sentence(f"going on after epoch {done} of {of} from {self.file}"), flush=True)
        history: History = about["history"]
        return history

    def _say(self, words: str) -> None:
        print(sentence(f"{self.file} {words}"), flush=True)


def fingerprint(
    settings: dict[str, Any],
    data: Dataset,
    weights: Sequence[np.ndarray] = (),
    exchange: Exchange = alone,
) -> str:
    """Hash all that decides how a run goes; `weights` are those it begins with, if not new.

    This program is part of it: an epoch of another version may be another length, and learn by
    another loss.

    Of machines with a share of the data each, all get the same, whoever has which clips: AWS does
    not say that a next attempt shares them out as the one before.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for file in sorted(PROGRAM.rglob("*.py")):
        digest.update(file.read_bytes())
    for array in weights:
        _add(digest, array)
    shares = exchange(f"{_of_clips(data):x}")
    clips = sum(int(share, 16) for share in shares)
    digest.update(f"{len(shares)} {clips:x}".encode())
    return digest.hexdigest()


def _of_clips(data: Dataset) -> int:
    """Add up a hash of each clip; of prepared ones, of the files that they were made of."""
    values, total = data.clips.values, 0
    of_all = b"" if isinstance(values, np.ndarray) else values.digest
    for number, (name, label) in enumerate(zip(data.names, data.label_ids, strict=True)):
        clip = hashlib.sha256(json.dumps([name, int(label)]).encode())
        clip.update(of_all)
        if not of_all:
            _add(clip, data.clips[number])
        total += int.from_bytes(clip.digest(), "big")
    return total


def _add(digest: Any, array: np.ndarray) -> None:
    digest.update(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)


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


def _fitting(trainer: Trainer, arrays: dict[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Give the parts that were saved; raises ValueError when one has another shape."""
    saved: dict[str, list[np.ndarray]] = {}
    for part, present in _parts(trainer).items():
        saved[part] = [arrays[f"{part}/{i}"] for i in range(len(present))]
        for here, there in zip(present, saved[part], strict=True):
            if np.shape(here) != np.shape(there):
                raise ValueError(f"{part} of shape {np.shape(there)}, not {np.shape(here)}")
    return saved


def _put_back(trainer: Trainer, saved: dict[str, list[np.ndarray]], best_loss: float) -> None:
    trainer.vae.set_weights(saved["weights"])
    for variable, value in zip(trainer.adam.variables, saved["optimizer"], strict=True):
        variable.assign(value)
    if trainer.listener:
        trainer.listener.network.set_weights(saved["listener"])
    trainer.best_weights, trainer.best_loss = saved["best"], best_loss
