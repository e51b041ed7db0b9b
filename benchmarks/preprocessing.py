"""Reading a folder of sounds: ours against one librosa.load and librosa.stft per file."""

import tempfile
from pathlib import Path

import librosa
import numpy as np

from benchmarks.measurement import Row, Section, medians
from sound_vae.data.dataset import read_dataset

ROUNDS = 3
RATE, SECONDS, N_FFT, HOP = 22_050, 0.74, 512, 256  # of the recipe that the baseline stands for


def plain_loop(folder: Path) -> None:
    """Save a min-max normalised (256, 64) log-spectrogram a file, one file after the other."""
    with tempfile.TemporaryDirectory() as output:
        for i, file in enumerate(sorted(folder.rglob("*.wav"))):
            wave, _ = librosa.load(file, sr=RATE, duration=SECONDS, mono=True)
            wave = np.pad(wave, (0, int(RATE * SECONDS) - len(wave)))
            magnitude = np.abs(librosa.stft(wave, n_fft=N_FFT, hop_length=HOP))[:-1]
            decibels = librosa.amplitude_to_db(magnitude)
            low, high = decibels.min(), decibels.max()
            np.save(Path(output) / f"{i}.npy", (decibels - low) / max(high - low, 1e-9))


def run(folder: Path) -> Section:
    """Files per second of both."""
    files = len(list(folder.rglob("*.wav")))
    read_dataset(folder)  # warms the file cache and librosa's imports for both
    ours, baseline = medians(lambda: read_dataset(folder), lambda: plain_loop(folder), ROUNDS)
    rows = [
        Row(
            f"preprocessing {files} files, files per second",
            f"{files / ours:.0f}",
            f"{files / baseline:.0f}",
            baseline / ours,
        )
    ]
    method = (
        f"Median of {ROUNDS} turns over the same folder: `training/sound_vae/data`, which trims, "
        "resamples where needed, reports, and leaves the spectrograms in one file, against a loop "
        "of `librosa.load`, `librosa.stft` and `numpy.save`."
    )
    return Section("Preprocessing", method, rows)
