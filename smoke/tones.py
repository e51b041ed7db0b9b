"""Sounds to train on: short tones, with labels in their names."""

import io
import wave

import numpy as np

RATE = 8000  # Hz
SECONDS = 0.5
PITCHES = {"low": 220.0, "middle": 440.0, "high": 880.0}  # Hz
EACH = 12


def tones() -> dict[str, bytes]:
    """Return WAV files by their names, `<label>_<number>.wav`: a fading tone with an octave."""
    files = {}
    time = np.arange(int(RATE * SECONDS)) / RATE
    for label, pitch in PITCHES.items():
        for number in range(EACH):
            frequency = pitch * (1 + number / 100)
            phase = 2 * np.pi * frequency * time
            sound = (np.sin(phase) + 0.5 * np.sin(2 * phase)) * np.exp(-3 * time) / 1.5
            files[f"{label}_{number}.wav"] = wav(0.8 * sound)
    return files


def wav(sound: np.ndarray) -> bytes:
    """Write samples between -1 and 1 as a WAV file, 16 bits, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((sound * 32767).astype("<i2").tobytes())
    return file.getvalue()
