"""The picture of the sounds that the endpoint made."""

import wave
from pathlib import Path

from client.spectrogram_sheet import draw, read_wav

PNG_HEADER_BYTES = 24


def test_the_sheet_shows_every_sound(tmp_path: Path) -> None:
    sounds = {}
    for number in range(7):
        sounds[f"sound {number}"] = tmp_path / f"{number}.wav"
        with wave.open(str(sounds[f"sound {number}"]), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(range(256)) * 60)
    assert read_wav(sounds["sound 0"])[1] == 8000
    draw(sounds, tmp_path / "sheet.png", "Seven sounds")
    header = (tmp_path / "sheet.png").read_bytes()[:PNG_HEADER_BYTES]
    assert header.startswith(b"\x89PNG")
    width, height = (int.from_bytes(header[n : n + 4], "big") for n in (16, 20))
    assert width > 2 * height > 400  # two rows of five
