"""Real notes and real drum hits, rendered from a General MIDI sound font by fluidsynth.

    python -m benchmarks.sound_font notes notes    900 notes of 12 instruments, 44.1 kHz
    python -m benchmarks.sound_font hits hits      some 500 hits of 8 drum kits, 44.1 kHz
    python -m benchmarks.held_out --data notes     and how good a model of them is

The sounds are recordings of instruments, each label in a sub-folder. The font is that of Debian's
`musescore-general-soundfont-lossless` (MIT licence) where no other is given.
"""

import argparse
import random
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

FONT = Path("/usr/share/sounds/sf2/MuseScore_General_Full.sf2")
RATE = 44_100  # Hz
SOFTEST = 1e-3  # peak of what is kept, full scale is 1
TICKS_A_SECOND = 960  # 480 a beat, and two beats a second as MIDI has it
INSTRUMENTS = {  # General MIDI program, counted from 0, and the lowest and the highest note
    "piano": (0, 36, 84),
    "vibes": (11, 53, 89),
    "organ": (19, 36, 84),
    "guitar": (24, 40, 76),
    "bass": (32, 28, 55),
    "violin": (40, 55, 91),
    "cello": (42, 36, 72),
    "trumpet": (56, 55, 82),
    "horn": (60, 41, 72),
    "sax": (65, 49, 81),
    "clarinet": (71, 50, 86),
    "flute": (73, 60, 91),
}
NOTES_A_LABEL = 75
LOUDNESSES = (60, 80, 100, 115)  # of notes
KITS = (0, 8, 16, 24, 25, 32, 40, 48)  # programs of channel 10
DRUMS = {  # keys of channel 10, and how hard each is hit
    "kick": ((35, 36), (50, 70, 85, 100, 120)),
    "snare": ((38, 40), (50, 70, 85, 100, 120)),
    "hat": ((42, 44), (50, 70, 85, 100, 120)),
    "openhat": ((46,), (50, 65, 80, 90, 105, 120)),
    "tom": ((41, 43, 45, 47, 48, 50), (70, 100)),
    "crash": ((49, 55, 57), (60, 85, 110)),
    "ride": ((51, 53, 59), (60, 85, 110)),
    "clap": ((39,), (60, 80, 100, 120)),
    "rim": ((37,), (60, 80, 100, 120)),
    "cowbell": ((56,), (60, 80, 100, 120)),
}


@dataclass(frozen=True)
class Part:
    """What one program plays, one key after the other, each held and then let ring."""

    channel: int  # counted from 0
    program: int
    keys: Sequence[tuple[int, int]]  # MIDI key and velocity
    every: float  # seconds from one to the next
    held: float  # seconds

    def midi(self) -> bytes:
        """Give it as a MIDI file, without reverb and chorus."""
        events = b"".join(
            bytes([0, status | self.channel, *values])
            for status, values in (
                (0xC0, [self.program]),
                (0xB0, [91, 0]),
                (0xB0, [93, 0]),
            )
        )
        wait = 0.0
        for key, velocity in self.keys:
            events += _delay(wait) + bytes([0x90 | self.channel, key, velocity])
            events += _delay(self.held) + bytes([0x80 | self.channel, key, 0])
            wait = self.every - self.held
        events += _delay(wait) + b"\xff\x2f\x00"
        header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_A_SECOND // 2)
        return header + b"MTrk" + struct.pack(">I", len(events)) + events

    def sounds(self, font: Path, seconds: float) -> Iterator[np.ndarray]:
        """Render it, and cut out `seconds` of each key, scaled to a peak of 0.8.

        Too soft ones are empty. Raises CalledProcessError and FileNotFoundError of fluidsynth.
        """
        with tempfile.TemporaryDirectory() as folder:
            score, wav = Path(folder) / "score.mid", Path(folder) / "score.wav"
            score.write_bytes(self.midi())
            command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "0.6", "-r", str(RATE)]
            command += ["-F", str(wav), str(font), str(score)]
            subprocess.run(command, check=True, capture_output=True)
            wave = soundfile.read(wav)[0].mean(axis=1)
        for number in range(len(self.keys)):
            start = round(number * self.every * RATE)
            sound = wave[start : start + round(seconds * RATE)]
            peak = np.abs(sound).max(initial=0.0)
            yield 0.8 * sound / peak if peak > SOFTEST else sound[:0]


def _delay(seconds: float) -> bytes:
    """Ticks as MIDI writes them, seven bits a byte, the last one without the eighth."""
    ticks = round(seconds * TICKS_A_SECOND)
    parts = [ticks & 127]
    while ticks := ticks >> 7:
        parts.append(128 | ticks & 127)
    return bytes(reversed(parts))


def write_notes(folder: Path, font: Path = FONT) -> int:
    """Write 1.4 s of each note, held for a second, evenly over an instrument's range."""
    rng, written = random.Random(0), 0
    for label, (program, lowest, highest) in INSTRUMENTS.items():
        step = (highest - lowest) / (NOTES_A_LABEL - 1)
        keys = [(lowest + round(step * i), rng.choice(LOUDNESSES)) for i in range(NOTES_A_LABEL)]
        part = Part(0, program, keys, every=2.5, held=1.0)
        for number, sound in enumerate(part.sounds(font, 1.4)):
            key, velocity = keys[number]
            written += _write(folder / label / f"{key}_{velocity}_{number}.wav", sound)
    return written


def write_hits(folder: Path, font: Path = FONT) -> int:
    """Write 2 s of each hit; what one kit borrows from another is written once."""
    written, known = 0, set()
    for kit in KITS:
        asked = [
            (label, key, velocity)
            for label, (keys, velocities) in DRUMS.items()
            for key in keys
            for velocity in velocities
        ]
        part = Part(9, kit, [(key, velocity) for _, key, velocity in asked], every=3.0, held=0.3)
        for (label, key, velocity), sound in zip(asked, part.sounds(font, 2.0), strict=True):
            beginning = label, np.round(sound[:4000], 2).tobytes()
            if beginning not in known:
                written += _write(folder / label / f"{kit}_{key}_{velocity}.wav", sound)
            known.add(beginning)
    return written


def _write(file: Path, sound: np.ndarray) -> bool:
    if not len(sound):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, sound, RATE)
    return True


KINDS: dict[str, Callable[[Path, Path], int]] = {"notes": write_notes, "hits": write_hits}


def main() -> None:
    """Write one kind of sound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--font", type=Path, default=FONT)
    args = parser.parse_args()
    if not args.font.is_file():
        parser.error(f"{args.font} is no sound font: install one, or name yours with --font")
    print(f"{KINDS[args.kind](args.folder, args.font)} sounds written to {args.folder}")


if __name__ == "__main__":
    main()
