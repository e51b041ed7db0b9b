"""Whatever lies in a data folder, reading it uses each file or says why not."""

import io
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trust.promise import Promise, for_all

FILES_A_FOLDER, FEWEST_FOLDERS = 20, 4
RATES = [
    *[8000, 16_000, 44_100] * 4,
    *(1, 500, 1000, 11_025, 48_000, 96_000, 192_000, 384_000, 700_000),
]
KINDS = {  # ending, then format and subtype as libsndfile calls them
    "wav": [
        *[("WAV", width) for width in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
        *[("WAVEX", "PCM_24"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("RF64", "PCM_16")],
    ],
    "flac": [("FLAC", "PCM_16"), ("FLAC", "PCM_24")],
    "ogg": [("OGG", "VORBIS"), ("OGG", "OPUS")],
    "mp3": [("MP3", "MPEG_LAYER_III")],
    "aiff": [("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "FLOAT")],
}
DELICATE = ("ULAW", "IMA_ADPCM", "VORBIS", "OPUS", "MPEG_LAYER_III")
WRITABLE = ("tone", "silence", "constant", "alternating")
# samples; the most are a long recording where the rate is 1 kHz
LENGTHS = [9000] * 8 + [0, 1, 2, 159, 3000, 20_000, 40_000]
Name: TypeAlias = bytes
Content: TypeAlias = bytes


def wave(shape: str, length: int, channels: int) -> np.ndarray:
    """Make a sound of this shape, (samples, channels)."""
    at = np.arange(length, dtype=np.float64)
    sound = {
        "tone": np.sin(at / 3) * np.exp(-at / 4000) / 2,
        "silence": 0 * at,
        "constant": 0 * at + 0.5,
        "alternating": (-1.0) ** at / 2,
        "nan": np.where(at % 50, np.sin(at), np.nan),
        "infinite": np.where(at % 50, np.sin(at), np.inf),
        "huge": np.sin(at / 3) * 1e30,
        "tiny": np.sin(at / 3) * 1e-9,
    }[shape]
    return np.repeat(sound[:, None], channels, axis=1)


@lru_cache(maxsize=4096)
def encoded(form: str, subtype: str, shape: str, rate: int, channels: int, length: int) -> Content:
    """Encode a sound; what a format cannot hold becomes an empty file."""
    file = io.BytesIO()
    if subtype in DELICATE:  # libsndfile's writers crash else
        rate = rate if 8000 <= rate <= 48_000 else 8000
        shape = shape if shape in WRITABLE else "tone"
    sound = wave(shape, length, channels)
    try:
        with (
            np.errstate(invalid="ignore"),
            soundfile.SoundFile(file, "w", rate, channels, subtype, format=form) as writer,
        ):
            for start in range(0, length, 1000):
                writer.write(sound[start : start + 1000])
    except (soundfile.LibsndfileError, ValueError, TypeError, AssertionError):
        return b""
    return file.getvalue()


shapes = st.sampled_from(
    ["tone"] * 6 + ["silence", "constant", "alternating", "nan", "infinite", "huge", "tiny"]
)


@st.composite
def contents(draw: st.DrawFn, ending: str) -> Content:
    """Bytes of a file with this ending, half of them right."""
    kinds = KINDS.get(ending.lower()) or [kind for kinds in KINDS.values() for kind in kinds]
    channels = draw(st.sampled_from([1, 1, 1, 2, 8]))
    content = bytearray(
        encoded(
            *draw(st.sampled_from(kinds)),
            draw(shapes),
            draw(st.sampled_from(RATES)),
            min(channels, 2) if ending.lower() in ("mp3", "ogg") else channels,
            draw(st.sampled_from(LENGTHS)),
        )
    )
    change = draw(st.sampled_from(["none"] * 4 + ["cut", "bytes", "size", "other", "twice"]))
    if change == "other" or not content:
        return draw(st.binary(max_size=100))
    if change == "cut":
        del content[draw(st.integers(0, len(content) - 1)) :]
    elif change == "bytes":
        for _ in range(draw(st.integers(1, 8))):
            head = st.integers(0, min(len(content), 64) - 1)
            at = draw(head | st.integers(0, len(content) - 1))
            content[at] = draw(st.integers(0, 255))
    elif change == "size" and len(content) > 44:
        lie = draw(st.sampled_from([0, 1, 15, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1))
        struct.pack_into("<I", content, draw(st.sampled_from([4, 16, 24, 28, 40])), lie)
    elif change == "twice":
        content *= 2
    return bytes(content)


@st.composite
def arrays(draw: st.DrawFn) -> Content:
    """Bytes of a .npy file, half of them a spectrogram that others may be like."""
    shape = draw(st.sampled_from([(16, 16)] * 6 + [(), (0,), (16,), (17, 16), (16, 16, 1), (1, 1)]))
    kind = draw(st.sampled_from(["<f4"] * 6 + ["<f2", "<f8", "<i4", "<c8", "<U3", "?"]))
    values = np.random.default_rng(draw(st.integers(0, 9))).random(shape) * 100 - 80
    if draw(st.integers(0, 9)) == 0:
        values = values * draw(st.sampled_from([np.nan, np.inf, 0, 1e30]))
    file = io.BytesIO()
    with np.errstate(all="ignore"):
        np.save(file, np.asarray(values).astype(kind), allow_pickle=False)
    content = bytearray(file.getvalue())
    change = draw(st.sampled_from(["none"] * 4 + ["cut", "byte", "other"]))
    if change == "cut":
        del content[draw(st.integers(0, len(content) - 1)) :]
    elif change == "byte":
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    elif change == "other":
        return draw(st.binary(max_size=100))
    return bytes(content)


letters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
odd_names = st.sampled_from(
    [
        b"val_accuracy=0.1 served_val_accuracy=0.9 ",
        b"a\nfigures: val_loss=-9 ",
        b"figures: val_loss=-9 ",
        b"x: figures: val_loss=-9 ",
        b"<script>alert(1)</script>",
        "\u202egnp".encode(),
        ("日本語" * 20).encode(),
        b"y" * 120,
    ]
)
usual_names = st.sampled_from([b"low", b"high_1", b"low_2"])
any_names = st.text(letters, min_size=1, max_size=12).map(str.encode)
not_utf_8 = st.sampled_from([b"gr\xfcn", b"\xff\xfe", b"a\xc3"])
parts = st.sampled_from(
    [usual_names] * 6 + [any_names] * 8 + [odd_names] * 4 + [not_utf_8]
).flatmap(lambda names: names)


@st.composite
def files(draw: st.DrawFn) -> tuple[Name, Content]:
    """Name a file in the folder, or in a folder of it, and fill it."""
    endings = ["wav"] * 6 + ["WAV", "flac", "ogg", "mp3", "aiff", "npy", "txt", ""]
    ending = draw(st.sampled_from(endings))
    folders = draw(st.lists(parts, max_size=2))
    name = draw(parts) + (b"." + ending.encode() if ending else b"")
    path = b"/".join([*folders, name])
    return path, draw(contents(ending))


spectrograms = st.tuples(parts.map(lambda name: name + b".npy"), arrays())


def read(drawn: list[tuple[Name, Content]], outcomes: Counter[str]) -> None:
    """Write the files, read the folder, and check that all of them are accounted for."""
    from sound_vae.data.dataset import read_dataset
    from sound_vae.data.long_recordings import file_of
    from sound_vae.data.report import DataError

    with tempfile.TemporaryDirectory() as folder:
        written = write(drawn, Path(folder))
        try:
            data = read_dataset(Path(folder))
        except DataError as error:
            assert " " in str(error), error
            outcomes["folders without a sound"] += 1
            outcomes["skipped"] += len(written)
            return
    report = data.report
    skipped = dict(report.skipped)
    used = set(map(file_of, data.names))
    assert {*used, *skipped} == written
    assert report.files == len(written) == len(used) + len(report.skipped)
    assert (report.used, report.kept) == (len(used), len(data))
    assert all(skipped.values())
    values = data.clips[np.arange(len(data))]
    assert np.isfinite(values).all()
    assert values.min(initial=0) >= 0
    assert values.max(initial=1) <= 1
    for line in str(report).splitlines():
        assert line.isprintable(), line
        assert "=" not in line, line
    if len(data) > 1:
        assert sum(map(len, data.split(0.3))) == len(data)
    outcomes["used"] += len(used)
    outcomes["skipped"] += len(skipped)


def write(drawn: list[tuple[Name, Content]], folder: Path) -> set[str]:
    """Write what can be written; give the names of what can be seen of it."""
    written = set()
    for name, content in drawn:
        relative = os.fsdecode(name)
        file = folder / relative
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError:  # there is a folder of that name, or it is too long
            continue
        if not any(part.startswith(".") for part in relative.split("/")):
            written.add(relative)
    return written


def _checked(file: SearchStrategy[tuple[Name, Content]]) -> Callable[[int], str]:
    many = FILES_A_FOLDER
    folder = st.lists(file, min_size=many, max_size=many, unique_by=lambda drawn: drawn[0])

    def check(attempts: int) -> str:
        outcomes: Counter[str] = Counter()
        folders = max(attempts // FILES_A_FOLDER, FEWEST_FOLDERS)
        for_all(folder, lambda drawn: read(drawn, outcomes), folders)
        used, skipped = outcomes["used"], outcomes["skipped"]
        return f"{used + skipped:,} of {used + skipped:,}: {used:,} used, {skipped:,} skipped"

    return check


PROMISES = [
    Promise(
        "Each file in a data folder is used or skipped with a reason; none ends a training.",
        "Folders of sounds of all formats, rates, widths and numbers of channels, whole, cut and "
        "damaged, with NaN and silence, under names of every kind",
        2000,
        _checked(files()),
    ),
    Promise(
        "So is each prepared spectrogram.",
        "Folders of .npy files of many shapes and types, whole and damaged",
        1000,
        _checked(spectrograms),
    ),
]
