"""What sounds are trimmed, scaled and cut to: numbers alone, for who has no use for TensorFlow."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

PEAK = 10 ** (-1 / 20)  # -1 dBFS, of every clip that is learnt from and every sound that is made
MOMENT = 0.008  # seconds; silence is told by the loudness of each
WINDOW_SECONDS = 0.032  # long enough to resolve a voice's harmonics, short enough for consonants
MAX_BOTTLENECK_FRAMES = 16  # what the default encoder halves the frames down to


@dataclass(frozen=True)
class Framing:
    """Parameters of the short-time Fourier transform, saved with the model."""

    sample_rate: int  # Hz
    clip_samples: int  # a whole number of hops
    n_fft: int  # window length in samples
    hop_length: int  # samples between two frames
    floor_db: float = -80.0

    @classmethod
    def choose(
        cls,
        sample_rate: int,
        seconds: float,
        *,
        n_fft: int | None = None,
        hop_length: int | None = None,
        floor_db: float = -80.0,
    ) -> Self:
        """Choose them for clips of at least `seconds` at `sample_rate` Hz.

        The clip is rounded up so that the encoder can halve its frames without remainder.

        Raises ValueError when hop_length exceeds n_fft / 2 (frames would not overlap enough to
        be inverted).
        """
        n_fft = n_fft or 2 ** round(math.log2(sample_rate * WINDOW_SECONDS))
        hop_length = hop_length or n_fft // 4
        if n_fft % 2:
            raise ValueError(f"n_fft is {n_fft}: an even number is needed")
        if hop_length > n_fft // 2:
            raise ValueError(
                f"hop_length {hop_length} is too long for n_fft {n_fft}: at most {n_fft // 2}"
            )
        frames = whole_frames(max(math.ceil(round(seconds * sample_rate) / hop_length), 2))
        return cls(sample_rate, frames * hop_length, n_fft, hop_length, floor_db)

    @property
    def frames(self) -> int:
        """Number of frames in a clip."""
        return self.clip_samples // self.hop_length

    @property
    def bins(self) -> int:
        """Number of frequency bins, without the Nyquist one."""
        return self.n_fft // 2

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.clip_samples / self.sample_rate

    def how_to_read(self) -> dict[str, Any]:
        """Give what `read_dataset` is told, so that other data is framed alike."""
        return {
            "sample_rate": self.sample_rate,
            "clip_seconds": self.seconds,
            "n_fft": self.n_fft,
            "hop_length": self.hop_length,
        }

    def to_json(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)


def halvings(frames: int) -> int:
    """How often to halve the time axis until at most `MAX_BOTTLENECK_FRAMES` are left."""
    return max(1, math.ceil(math.log2(max(frames, 2) / MAX_BOTTLENECK_FRAMES)))


def whole_frames(frames: int) -> int:
    """Round up to a number of frames that the default encoder can halve without a remainder."""
    multiple = 2 ** halvings(frames)
    return math.ceil(frames / multiple) * multiple


def moment_samples(sample_rate: int) -> int:
    """Length of a moment at `sample_rate` Hz."""
    return round(sample_rate * MOMENT)
