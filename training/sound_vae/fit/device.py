"""What the training step uses on this machine: precision, XLA, and memory for the data.

    Device.here()

None of it changes what is learnt, except by rounding. A GPU with matrix units for 16 bits uses
them: bfloat16 from compute capability 8.0 on (A10G, L4, A100), which has float32's range and so
needs no loss scale; float16 with a loss scale on 7.0 and 7.5 (V100, T4), which have no bfloat16.
XLA fuses the step's roughly 2,000 kernels into a third of that, which matters on a GPU, where most
of the time goes into launching them; on a CPU it gains nothing.
"""

import os
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.python.client import device_lib

from sound_vae.data.shards.values import Shards

RESIDENT_SHARE = 0.5  # of the device's memory; the rest is for the step


@dataclass(frozen=True)
class Device:
    """What the training step may use."""

    name: str = "/CPU:0"  # where the spectrograms lie
    precision: str = "float32"  # of Keras: float32, mixed_float16 or mixed_bfloat16
    xla: bool = False
    resident_bytes: float = float("inf")  # more data than that is streamed

    @classmethod
    def here(cls, gpus_used: int = 1) -> "Device":
        """Give the first GPU when there is one; several take their batches from main memory."""
        gpus = tf.config.list_physical_devices("GPU")
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if not gpus:
            return cls(resident_bytes=RESIDENT_SHARE * memory)
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability")
        if gpus_used > 1:
            return cls("/CPU:0", _precision(capability), True, RESIDENT_SHARE * memory)
        memory = next(d.memory_limit for d in device_lib.list_local_devices() if "GPU" in d.name)
        return cls("/GPU:0", _precision(capability), True, RESIDENT_SHARE * memory)

    def resident(self, values: np.ndarray | Shards) -> tf.Tensor | None:
        """Put an array on the device, or give None when it would take too much of its memory."""
        if isinstance(values, Shards) or values.nbytes > self.resident_bytes:
            return None
        if isinstance(values, np.memmap):  # aligned: the tensor is the mapped file, not a copy
            tensor = tf.experimental.dlpack.from_dlpack(np.asarray(values).__dlpack__())
        else:
            tensor = tf.constant(values)
        with tf.device(self.name):
            return tf.identity(tensor)


def _precision(capability: tuple[int, int] | None) -> str:
    if not capability or capability < (7, 0):
        return "float32"
    return "mixed_float16" if capability < (8, 0) else "mixed_bfloat16"
