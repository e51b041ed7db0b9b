import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.quality.run_report import curve, picture, write_run_report
from sound_vae.serving.served_model import ServedModel

HISTORY = [{"epoch": i, "train_loss": 1.0 / i, "val_loss": 2.0 / i} for i in (1.0, 2.0, 3.0)]


def test_a_report_shows_figures_and_a_sound_for_each_label(model_dir: Path, tmp_path: Path) -> None:
    write_run_report(
        tmp_path, ServedModel.load(model_dir), HISTORY, {"val_loss": -1.25, "comparable": 1}
    )
    page = (tmp_path / "report.html").read_text()
    assert "val_loss<td>-1.25" in page
    assert page.count("<audio") == page.count("<img") == 2
    assert not re.search(r"(src|href)='(?!data:)", page)  # it needs no other file
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["00_high.wav", "01_low.wav"]
    assert soundfile.read(tmp_path / "samples" / names[0])[1] == 8000
    assert json.loads((tmp_path / "report.json").read_text())["history"] == HISTORY


def test_labels_of_any_length_and_kind_get_a_sound(
    model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ServedModel.load(model_dir)
    sounds = model.sample(["low"] * 3, range(3))
    monkeypatch.setattr(model, "labels", ["x" * 250, "ä/../<b>\n", "../" * 80])
    monkeypatch.setattr(model, "sample", lambda *_: sounds)
    write_run_report(tmp_path, model, HISTORY, {"val_loss": -1.25})
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == [f"00_{'x' * 100}.wav", "01__b_.wav", "02__.wav"]
    assert "<b>" not in (tmp_path / "report.html").read_text()


def test_the_curve_falls_when_the_loss_falls() -> None:
    first, second = re.findall(r"points='([^']*)'", curve(HISTORY))
    for points in (first, second):
        heights = [float(point.split(",")[1]) for point in points.split()]
        assert heights == sorted(heights)  # SVG counts downwards
    assert curve(HISTORY[:1])


def test_a_picture_has_a_pixel_for_each_value(model_dir: Path) -> None:
    model = ServedModel.load(model_dir)
    (wav,) = model.decode(np.zeros((1, 4))).wavs
    pixels = tf.io.decode_png(picture(wav, model.transform))
    assert pixels.shape == (model.transform.bins, model.transform.frames, 1)
