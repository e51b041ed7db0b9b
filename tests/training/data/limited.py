"""Reads a folder, and trains on it when asked to, with little more memory than TensorFlow takes.

python limited.py FOLDER MEGABYTES [arguments of train.py]

RLIMIT_DATA counts what a process keeps in memory of its own, and no mapped files. Prints the size
of the spectrograms, and whether they would fit.
"""

import resource
import sys
from pathlib import Path

import numpy as np

import train
from sound_vae.data.dataset import read_dataset
from sound_vae.fit import excite
from sound_vae.fit.device import Device

folder, megabytes, *arguments = sys.argv[1:]
read_dataset(Path(folder) / "few")  # loads what it takes
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
limit = int(status["VmData"].split()[0]) * 1024 + int(megabytes) * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
values = np.asarray(read_dataset(Path(folder) / "many").clips.values)
try:
    np.array(values)
    fits = True
except MemoryError:
    fits = False
print(f"\nspectrograms={values.nbytes} fits={fits} heard={values[-1].any()}")
if arguments:
    excite.STEPS, excite.MOST_CLIPS = 20, 1000  # take nearly as much memory as all
    Device.here = classmethod(lambda cls, _=1: cls(resident_bytes=0))  # type: ignore[assignment,method-assign]
    sys.exit(train.main(["--data", f"{folder}/many", *arguments]))
