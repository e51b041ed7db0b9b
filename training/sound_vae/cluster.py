"""The machines, and the GPUs in each, that train one model together.

    cluster = Cluster.join()                 # before anything else of TensorFlow's
    with cluster.strategy.scope(): ...       # variables, and the optimizer that changes them
    cluster.exchange({"clips": 3})           # [{"clips": 3}, {"clips": 5}]: of every machine

Each machine, a *worker*, runs the same program on a share of the clips; each of its GPUs is a
*replica* that takes its part of a batch. SageMaker says in TF_CONFIG who the workers are. One
machine with one device is a cluster, too, which exchanges nothing.

When a machine is lost, whatever the others do together raises one of `LOST`.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow as tf

from sound_vae.data.report import DataError

OTHER_NOISE = 1_000_003  # between the seeds of two replicas
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,  # it answers, but has begun anew
)


@dataclass
class Cluster:
    """Who trains: machine number `index` of `workers`, of which the first is the chief."""

    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    index: int = 0
    workers: int = 1

    @classmethod
    def join(cls) -> Self:
        """Wait for the machines that TF_CONFIG names, or take all GPUs of this one."""
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        workers = config.get("cluster", {}).get("worker", [])
        if len(workers) > 1:
            tf.get_logger().setLevel("ERROR")  # each array that is gathered has a shape of its own
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
            return cls(strategy, int(config["task"]["index"]), len(workers))
        if len(tf.config.list_physical_devices("GPU")) > 1:
            return cls(tf.distribute.MirroredStrategy())
        return cls()

    @property
    def is_chief(self) -> bool:
        """Tell whether this machine says and writes what comes of the run."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """Devices of all machines."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def local_replicas(self) -> int:
        """Devices of this machine."""
        return self.replicas // self.workers

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Say nothing on the other machines, which would only say what the chief says."""
        if self.is_chief:
            yield
            return
        print(f"machine {self.index + 1} of {self.workers}; the first one tells more", flush=True)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield

    def replica(self) -> tf.Tensor:
        """Within `strategy.run`: the number of this replica among all, int32."""
        context = tf.distribute.get_replica_context()
        return tf.cast(context.replica_id_in_sync_group, tf.int32)

    def own_seed(self, seed: tf.Tensor) -> tf.Tensor:
        """Within `strategy.run`: a seed (2,) of stateless noise, another one for each replica."""
        return tf.stack([seed[0] + OTHER_NOISE * self.replica(), seed[1]])

    def part(self, batch: tf.Tensor) -> tf.Tensor:
        """Within `strategy.run`: this replica's rows of its machine's batch."""
        if self.local_replicas == 1:
            return batch
        size = tf.shape(batch)[0] // self.local_replicas
        start = self.replica() % self.local_replicas * size
        return batch[start : start + size]

    def exchange(self, value: Any) -> list[Any]:
        """Give every worker's value, which must be such as JSON can hold, in their order.

        Raises DataError where one of them failed instead, see `together`.
        """
        if self.workers == 1:
            return [value]
        letters = self._send({"value": value})
        for number, letter in enumerate(letters, 1):
            if "error" in letter:
                raise _OfAnotherError(f"{letter['error']} (machine {number} of {self.workers})")
        return [letter["value"] for letter in letters]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have a DataError of one worker raised by all of them, now or at their next exchange."""
        try:
            yield
        except _OfAnotherError:
            raise
        except DataError as error:
            if self.workers > 1:
                self._send({"error": str(error)})
            raise
        self.exchange(None)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Concatenate the rows (n, ...) of all workers, in their order; n may differ."""
        if self.workers == 1:
            return rows

        def of_replica(context: Any) -> tf.Tensor:
            first = context.replica_id_in_sync_group % self.local_replicas == 0
            return tf.constant(rows if first else rows[:0])

        values = self.strategy.experimental_distribute_values_from_function(of_replica)
        gathered: np.ndarray = self.strategy.gather(values, axis=0).numpy()
        return gathered

    def _send(self, content: Any) -> list[Any]:
        letter = np.frombuffer(json.dumps(content).encode(), np.uint8)
        ends = np.cumsum(self.gather(np.array([len(letter)], np.int32)))
        letters = self.gather(letter.astype(np.int32))  # bytes cannot be sent
        return [json.loads(one.astype(np.uint8).tobytes()) for one in np.split(letters, ends[:-1])]


class _OfAnotherError(DataError):
    """What another worker found wrong."""
