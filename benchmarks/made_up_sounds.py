"""Two kinds of sound that are not speech, made of sines and noise, the same ones every time.

    python -m benchmarks.made_up_sounds drums hits      600 drum hits, 22.05 kHz, 4 sub-folders
    python -m benchmarks.made_up_sounds tones notes     400 sustained notes, 44.1 kHz, no labels

`hits` are short, noisy and labelled by their sub-folder; `notes` are long, harmonic and unlabelled.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

HITS_RATE, HITS_PER_LABEL = 22_050, 150  # Hz
NOTES_RATE, NOTES = 44_100, 400  # Hz
SEMITONES = 37  # above 110 Hz, three octaves


def kick(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Return a sine that falls to 45 to 75 Hz, with a click."""
    low, fall = rng.uniform(45, 75), rng.uniform(0.02, 0.05)
    hertz = low + rng.uniform(100, 250) * np.exp(-t / fall)
    body = np.sin(2 * np.pi * np.cumsum(hertz) / HITS_RATE) * np.exp(-t / rng.uniform(0.08, 0.16))
    return body + rng.uniform(0.05, 0.3) * rng.standard_normal(len(t)) * np.exp(-t / 0.003)


def snare(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Return two modes of a skin under the noise of its wires."""
    hertz = rng.uniform(160, 240)
    skin = np.sin(2 * np.pi * hertz * t) + 0.6 * np.sin(2 * np.pi * 1.6 * hertz * t)
    wires = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.06, 0.13))
    return skin * np.exp(-t / rng.uniform(0.04, 0.08)) + rng.uniform(0.5, 1.0) * wires


def hat(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Return noise without its low half, and short."""
    noise = np.diff(np.diff(rng.standard_normal(len(t) + 2)))
    return noise * np.exp(-t / rng.uniform(0.015, 0.06))


def bell(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Return the inharmonic partials of struck metal."""
    hertz = rng.uniform(500, 900)
    ring = rng.uniform(0.12, 0.25)
    partials = (
        gain * np.sin(2 * np.pi * hertz * ratio * t + phase) * np.exp(-t * ratio**0.5 / ring)
        for gain, ratio, phase in zip(
            (1.0, 0.7, 0.5, 0.4), (1.0, 1.48, 2.76, 5.40), rng.uniform(0, 6.28, 4), strict=True
        )
    )
    return np.sum(list(partials), axis=0)


HITS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "bell": bell,
    "hat": hat,
    "kick": kick,
    "snare": snare,
}


def note(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Return a held note of a chromatic scale: harmonics, a slow start, vibrato and breath."""
    hertz = 110 * 2 ** (rng.integers(SEMITONES) / 12)
    vibrato = 1 + rng.uniform(0, 0.01) * np.sin(2 * np.pi * rng.uniform(4, 6.5) * t)
    phase = 2 * np.pi * np.cumsum(hertz * vibrato) / NOTES_RATE
    slope, odd = rng.uniform(0.8, 2.2), rng.uniform(0.2, 1)  # odd: how loud even harmonics are
    harmonics = range(1, int(NOTES_RATE / 2 / hertz / 1.02))
    tone = np.sum(
        [(1 if n % 2 else odd) * n**-slope * np.sin(n * phase) for n in harmonics[:40]], axis=0
    )
    start = np.minimum(1, t / rng.uniform(0.02, 0.2))
    end = np.minimum(1, (t[-1] - t) / rng.uniform(0.05, 0.3))
    breath = rng.uniform(0, 0.01) * rng.standard_normal(len(t))
    return (tone + breath) * start * end


def write_hits(folder: Path, per_label: int = HITS_PER_LABEL) -> Path:
    """Write `per_label` hits of 0.25 to 0.5 s into one sub-folder for each of HITS."""
    for label, make in HITS.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(per_label):
            rng = np.random.default_rng([i, *label.encode()])
            t = np.arange(round(rng.uniform(0.25, 0.5) * HITS_RATE)) / HITS_RATE
            _save(folder / label / f"{i:03}.wav", make(rng, t), rng, HITS_RATE)
    return folder


def write_notes(folder: Path, count: int = NOTES) -> Path:
    """Write notes of 0.8 to 1.4 s whose names say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        rng = np.random.default_rng(i)
        t = np.arange(round(rng.uniform(0.8, 1.4) * NOTES_RATE)) / NOTES_RATE
        _save(folder / f"{i:03}.wav", note(rng, t), rng, NOTES_RATE)
    return folder


def _save(file: Path, sound: np.ndarray, rng: np.random.Generator, rate: int) -> None:
    """Write 16 bits, at loudnesses that differ as those of recordings do."""
    soundfile.write(file, sound / np.abs(sound).max() * rng.uniform(0.2, 0.9), rate)


def main() -> None:
    """Write one kind into a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the WAV files go")
    parser.add_argument("kind", choices=("hits", "notes"))
    args = parser.parse_args()
    {"hits": write_hits, "notes": write_notes}[args.kind](args.folder)
    print(f"{len(list(args.folder.rglob('*.wav')))} files in {args.folder}")


if __name__ == "__main__":
    main()
