"""However a checkpoint is damaged, it is restored exactly or training starts afresh and says so."""

import contextlib
import io
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from trust.promise import Promise, for_all

HISTORY = [{"epoch": 1.0, "val_loss": 0.1 + 0.2}, {"epoch": 2.0, "val_loss": -1.5}]
Damage = tuple[str, float, float, int, bytes]
# where zip files and arrays describe themselves; the rest is data, and has check sums
DESCRIPTIONS = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\x93NUMPY", b"'descr'", b"'shape'", b".npy"]

damages = st.tuples(
    st.sampled_from(["byte"] * 6 + ["zeros", "cut", "insert", "delete", "move", "repeat"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 64),
    st.binary(min_size=1, max_size=8),
)


class Variable:
    """What an optimizer has of its own."""

    def __init__(self, value: np.ndarray) -> None:
        self.value, self.shape = value, value.shape

    def numpy(self) -> np.ndarray:
        """Give the value."""
        return self.value

    def assign(self, value: np.ndarray) -> None:
        """Replace the value."""
        self.value = value


class Trainer:
    """What a checkpoint sees of a trainer, with weights of a few shapes and no TensorFlow."""

    SHAPES = ((3, 4, 8), (8,), (16, 6), (6,), (3, 2, 5), (1,), (40, 30), ())

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)

        def values() -> list[np.ndarray]:
            return [rng.normal(size=shape).astype(np.float32) for shape in self.SHAPES]

        self.vae, self.listener = self, None
        self.cluster = SimpleNamespace(exchange=lambda value: [value])
        self.schedule = SimpleNamespace(epochs=9)
        self.weights, self.best_weights = values(), values()
        steps = np.array(seed, np.int64)
        self.adam = SimpleNamespace(
            variables=[Variable(value) for value in [steps, *values(), *values()]]
        )
        self.best_loss = rng.normal()

    def get_weights(self) -> list[np.ndarray]:
        """Give the weights of the model."""
        return self.weights

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Replace the weights of the model."""
        self.weights = weights

    def state(self) -> bytes:
        """Give all that training changes."""
        arrays = [*self.weights, *self.best_weights, *(v.value for v in self.adam.variables)]
        described = [f"{array.dtype}{array.shape}".encode() for array in arrays]
        return b"".join([*described, *(a.tobytes() for a in arrays), repr(self.best_loss).encode()])


class Saved:
    """A checkpoint of one state, and what it is."""

    def __init__(self, folder: Path) -> None:
        from sound_vae.fit.checkpoint import FILE, Checkpoint

        self.file, self.checkpoint = folder / FILE, Checkpoint(folder, "this run")
        trainer: Any = Trainer(1)
        self.checkpoint.save(trainer, HISTORY)
        self.state, self.content = trainer.state(), self.file.read_bytes()


def damaged(content: bytes, damage: Damage) -> bytes:
    """Apply one damage, half of the time to what describes the data."""
    kind, where, other, near, new = damage
    at, size = int(where * len(content)), len(new)
    if near:
        places = [i for text in DESCRIPTIONS for i in _places(content, text)]
        at = min(places[int(where * len(places))] + near, len(content) - 1)
    there = int(other * len(content))
    if kind == "byte":
        return content[:at] + new[:1] + content[at + 1 :]
    if kind == "zeros":
        length = 1 << near % 16
        return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]
    if kind == "cut":
        return content[:at]
    if kind == "insert":
        return content[:at] + new + content[at:]
    if kind == "delete":
        return content[:at] + content[at + size :]
    piece = content[at : at + 64 * size]
    if kind == "repeat":
        return content[:there] + piece + content[there:]
    return content[:there] + piece + content[there + len(piece) :]


@cache
def _places(content: bytes, text: bytes) -> list[int]:
    places, at = [], content.find(text)
    while at >= 0:
        places.append(at)
        at = content.find(text, at + 1)
    return places


def restore(saved: Saved, damage: Damage) -> bool:
    """Restore from a damaged file; tell whether it was restored, exactly."""
    saved.file.write_bytes(damaged(saved.content, damage))
    trainer: Any = Trainer(2)
    fresh, said = trainer.state(), io.StringIO()
    with contextlib.redirect_stdout(said):
        history = saved.checkpoint.restore(trainer)
    if history:
        assert history == HISTORY
        assert trainer.state() == saved.state
        return True
    assert said.getvalue().endswith(": starting afresh\n"), said.getvalue()
    assert len(said.getvalue().splitlines()) == 1, said.getvalue()
    assert trainer.state() == fresh
    return False


def _check(attempts: int) -> str:
    counts = [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        saved = Saved(Path(folder))

        def holds(damage: Damage) -> None:
            counts[restore(saved, damage)] += 1

        for_all(damages, holds, attempts)
    afresh, exactly = counts
    return f"{sum(counts):,} of {sum(counts):,}: {afresh:,} afresh, {exactly:,} exactly"


PROMISES = [
    Promise(
        "A damaged checkpoint is restored exactly or training starts afresh, and a line says so.",
        "A checkpoint in which bytes were changed, left out, repeated or moved, half of the time "
        "in what describes the data",
        12_000,
        _check,
    )
]
