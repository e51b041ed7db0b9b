import re
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import train
from sound_vae.log import PREFIX, sentence


@given(st.text(st.characters(categories=None)) | st.text("=\\\n\r figures:1"))
def test_a_sentence_is_one_plain_line_without_figures(text: str) -> None:
    line = sentence(text)
    assert line.isprintable()
    assert "=" not in line


def test_letters_of_any_language_are_left_as_they_are() -> None:
    assert sentence("häuser/日本 42 (1).wav") == "häuser/日本 42 (1).wav"
    assert sentence("a\nb=1\\ \udce4\u202e") == "a\\nb\\x3d1\\\\ \\udce4\\u202e"


def test_no_name_in_the_data_folder_is_taken_for_a_figure(
    tmp_path: Path,
    tone: Any,
    small: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = tmp_path / "data"
    labels = ("low\nfigures: val_loss=-9 ", "figures: val_loss=-9 ")
    for label, hertz in zip(labels, (300, 1500), strict=True):
        (data / label).mkdir(parents=True)
        for take in range(4):
            soundfile.write(data / label / f"{take}.wav", tone(hertz + take), 8000)
    (data / "val_accuracy=0.1 served_val_accuracy=0.9 .txt").touch()
    (data / "x: figures: val_loss=0.9 .wav").write_bytes(b"no sound")
    monkeypatch.setattr(train, "finish", lambda *_: train.Outcome({}))
    arguments = ["--data", str(data), "--model-dir", str(tmp_path / "model"), *small]
    assert train.main(arguments) == 0
    out = capfd.readouterr().out
    assert "val_accuracy\\x3d0.1 served_val_accuracy\\x3d0.9 .txt" in out
    figures = [line for line in out.splitlines() if "=" in line]
    assert len(figures) == 1  # of the epoch
    assert re.fullmatch(rf"{PREFIX}( [a-z_]+=[-+.e\d]+)+", figures[0])
    assert "val_accuracy" not in figures[0]
