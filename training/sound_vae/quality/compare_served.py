"""Is the new model better than the one that is served? Both are measured on the same clips.

    figures = compare(Path("model.tar.gz"), trainer, data)

gives {"comparable": 1, "served_val_loss": …}, the loss with the same latent noise as the new
model's, or {"comparable": 0} after a line that says why. Whatever is wrong with the served model,
it never fails the run.
"""

import copy
import json
import math
import tarfile
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py  # type: ignore[import-untyped]

from sound_vae.data.dataset import Dataset
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import DESCRIPTION_FILE, VAE, WEIGHTS_FILE
from sound_vae.model.label_prior import LabelPrior

UNPACKED_BYTES = 4_000_000_000  # more is no model of ours


class NotComparable(Exception):  # noqa: N818 - it is a finding
    """The two models were not made for the same task; the message says how they differ."""


def served_archive(channel: str | None) -> Path | None:
    """Find the archive in SageMaker's channel `served`, a folder; None when there is none."""
    if not channel:
        return None
    return next(iter(sorted(Path(channel).glob("*.tar.gz"))), Path(channel) / "model.tar.gz")


def compare(
    archive: Path,
    trainer: Trainer,
    data: Dataset,
    accuracy: Callable[[Path], float] | None = None,
) -> dict[str, float]:
    """Measure the packed model; `accuracy`, where given, judges an unpacked one as well."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            model_dir = Path(folder)
            _unpack(archive, model_dir)
            _check_task(model_dir, data)
            figures = {"comparable": 1.0, "served_val_loss": _loss(model_dir, trainer, data)}
            if accuracy:
                figures["served_val_accuracy"] = accuracy(model_dir)
        return figures
    except Exception as error:
        reason = str(error) if isinstance(error, NotComparable) else _broken(archive, error)
        print(f"not compared with the served model: {reason}", flush=True)
        return {"comparable": 0.0}


def _broken(archive: Path, error: Exception) -> str:
    if not archive.is_file():
        return f"{archive} does not exist"
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{archive.name} is no model that this version can read ({first_line[:200]})"


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        if sum(member.size for member in tar) > UNPACKED_BYTES:
            raise NotComparable(f"{archive.name} unpacks to more than {UNPACKED_BYTES:,} bytes")
        tar.extractall(folder, filter="data")  # refuses links and paths that lead outside


def _check_task(model_dir: Path, data: Dataset) -> None:
    description = json.loads((model_dir / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    if description["transform"] != data.transform.to_json():
        raise NotComparable("it makes sounds of another length, rate or resolution")
    if description["labels"] != data.labels:
        theirs, ours = (", ".join(x[:5]) or "none" for x in (description["labels"], data.labels))
        raise NotComparable(f"its labels are {theirs[:80]}…, those of the data {ours[:80]}…")


def _arrays(group: h5py.Group) -> int:
    """How many weights a file of Keras holds."""
    return sum(1 if isinstance(x, h5py.Dataset) else _arrays(x) for x in group.values())


def _loss(model_dir: Path, trainer: Trainer, data: Dataset) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras, about each weight that it misses
        vae = VAE.load(model_dir)
    with h5py.File(model_dir / WEIGHTS_FILE) as file:
        if _arrays(file) != len(vae.weights):  # Keras leaves what it does not find as it was
            raise NotComparable("it was built by another version of this program")
    judge = copy.copy(trainer)
    judge.prior = LabelPrior(len(data.labels), vae.architecture.latent_dim)
    loss = judge.evaluate(vae)["val_loss"]
    if not math.isfinite(loss):
        raise NotComparable(f"its validation loss is {loss}")
    return loss
