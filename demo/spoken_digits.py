"""Spoken digits made offline, for trying the app without sounds of one's own.

`python -m demo.spoken_digits DIR` writes 600 files such as DIR/seven_en-us+f2_155_55.wav: ten
words in twelve voices at five speeds and pitches, 8,000 Hz, 16 bit, mono. The voice is eSpeak NG,
which the package espeakng-loader brings along as a library.
"""

import ctypes
import sys
import wave
from pathlib import Path

import espeakng_loader
import librosa
import numpy as np

SAMPLE_RATE = 8000
"""Hz; that of the recordings which the starter model has learnt, so the two can be compared."""
FOLDER = Path(__file__).parents[1] / ".cache" / f"spoken-digits-{SAMPLE_RATE}"
"""Where they are kept between runs."""
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LANGUAGES = ("en-us", "en-gb-x-rp")
SPEAKERS = ("m1", "m3", "m7", "f1", "f2", "f5")
MANNERS = ((120, 35), (140, 45), (155, 55), (170, 65), (190, 50))  # words a minute, pitch 0..99

# from espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_RATE, _PITCH = 1, 3
_CHARS_UTF8 = 1
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Speaker:
    """The eSpeak NG library; it keeps its state in the process, so one is enough."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate = self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        if self._rate <= 0:
            raise RuntimeError(f"eSpeak NG does not start with its data in {data.decode()}")
        self._pieces: list[np.ndarray] = []
        self._callback = _Callback(self._take)  # must live as long as the library uses it
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int) -> int:
        if count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, word: str, voice: str, speed: int, pitch: int) -> np.ndarray:
        """Return one word as int16 samples at `SAMPLE_RATE`, shape (samples,)."""
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetParameter(_RATE, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._pieces.clear()
        text = word.encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
        if not self._pieces:
            raise RuntimeError(f"eSpeak NG said nothing for {word!r} with the voice {voice}")
        sound = np.concatenate(self._pieces).astype(np.float32)
        sound = librosa.resample(sound, orig_sr=self._rate, target_sr=SAMPLE_RATE)
        return np.clip(sound, -32768, 32767).astype(np.int16)


def write(folder: Path) -> list[Path]:
    """Write every combination into `folder`; return the files. Those that are there stay."""
    files = []
    speaker: Speaker | None = None
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        for name in SPEAKERS:
            for speed, pitch in MANNERS:
                for word in WORDS:
                    file = folder / f"{word}_{language}+{name}_{speed}_{pitch}.wav"
                    files.append(file)
                    if file.exists():
                        continue
                    speaker = speaker or Speaker()
                    _save(file, speaker.say(word, f"{language}+{name}", speed, pitch))
    return files


def _save(file: Path, samples: np.ndarray) -> None:
    part = file.with_suffix(".part")  # a killed run leaves no half a file
    with wave.open(str(part), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(samples.tobytes())
    part.rename(file)


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1])))} files in {sys.argv[1]}")
