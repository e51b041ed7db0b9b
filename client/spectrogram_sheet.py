"""One picture of several sounds: their spectrograms side by side, on the same scales."""

import math
import wave
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import mlab

matplotlib.use("Agg")  # no display is needed
from matplotlib import pyplot as plt

WINDOW_SECONDS = 0.025
RANGE_DB = 70
"""What is this far below a sound's loudest moment is drawn as silence."""


def read_wav(file: Path) -> tuple[np.ndarray, int]:
    """Return a 16-bit mono WAV as (samples in -1..1, rate in Hz)."""
    with wave.open(str(file), "rb") as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        return samples / 32768, sound.getframerate()


def level(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequencies (Hz), times (s) and levels (dB below the loudest), (freq, time)."""
    window = 2 ** round(math.log2(rate * WINDOW_SECONDS))
    spectrum = mlab.specgram(samples, window, rate, noverlap=window * 3 // 4)
    power, frequencies, times = (np.asarray(part) for part in spectrum)
    decibel = 10 * np.log10(np.maximum(power, 1e-18) / max(power.max(), 1e-18))
    return frequencies, times, np.maximum(decibel, -RANGE_DB)


def draw(sounds: Mapping[str, Path], picture: Path, title: str) -> None:
    """Draw the spectrogram of each WAV file under its name; write a PNG."""
    columns = min(len(sounds), 5)
    rows = math.ceil(len(sounds) / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(0.8 + 2.5 * columns, 1.2 + 2.2 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, (name, file) in zip(axes.flat, sounds.items(), strict=False):
        frequencies, times, decibel = level(*read_wav(file))
        image = axis.pcolormesh(
            times, frequencies / 1000, decibel, vmin=-RANGE_DB, vmax=0, shading="gouraud"
        )
        axis.set_title(name)
    for axis in axes.flat[len(sounds) :]:
        axis.axis("off")
    figure.supxlabel("Time (s)")
    figure.supylabel("Frequency (kHz)")
    figure.suptitle(title)
    figure.colorbar(image, ax=axes, label="Level (dB below the loudest)", pad=0.01)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
