"""Brings clips of all machines to one, once what is left to do is for one machine.

Density, figures and report need a sample of the clips, and it is the chief that makes them.
"""

import math

import numpy as np

from sound_vae.cluster import Cluster
from sound_vae.data.dataset import Dataset
from sound_vae.data.names import Names
from sound_vae.data.streaming import Rows, Scratch

MOST_BYTES = 2**30  # of spectrograms that are brought together
AT_ONCE = 2**26  # bytes that travel together, of all machines


def gathered(cluster: Cluster, data: Dataset, most: int, seed: int) -> Dataset:
    """Return at most `most` clips of all machines' shares, or those that MOST_BYTES hold.

    On the other machines than the chief it has no values worth reading.
    """
    if cluster.workers == 1:
        return data
    row_bytes = math.prod(data.clips.shape[1:]) * data.clips.values.dtype.itemsize
    own = data.subsample(min(most, MOST_BYTES // row_bytes) // cluster.workers, seed)
    counts = cluster.exchange(len(own))
    begins = np.concatenate([[0], np.cumsum(counts)])
    scratch = Scratch((int(begins[-1]), *data.clips.shape[1:]), np.float16)
    size = max(AT_ONCE // row_bytes // cluster.workers, 1)
    for start in range(0, max(counts), size):
        values = cluster.gather(own.clips[start : start + size])
        if not cluster.is_chief:
            continue
        places = [
            row
            for begin, count in zip(begins, counts, strict=False)
            for row in range(begin + start, begin + min(start + size, count))
        ]
        for row, clip in zip(places, values, strict=True):
            scratch.write(row, clip)
    names = Names(name for names in cluster.exchange(list(own.names)) for name in names)
    label_ids = cluster.gather(own.label_ids)
    rows = Rows(scratch.array(), np.arange(len(names)))
    return Dataset(rows, names, label_ids, data.labels, data.transform, data.report)
