"""The run's report opens offline, says what things are, and lets no name do anything."""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

import train
from sound_vae.data.dataset import Dataset, read_dataset
from sound_vae.data.report import DataReport, Skipped
from sound_vae.fit.arguments import defaults
from sound_vae.model.recogniser import Recogniser
from sound_vae.quality.compare_served import Comparison
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.run_report import write_run_report
from sound_vae.serving.served_model import ServedModel

HISTORY = [
    {
        "epoch": i,
        "train_loss": 1.0 / i,
        "val_loss": 2.0 / i,
        "mse": 0.1 / i,
        "kl": 9.0,
        "seconds": 2,
    }
    for i in (1.0, 2.0, 3.0)
]
MEASURED = {
    "val_loss": -1.25,
    "accuracy": 0.9,
    "real_accuracy": 0.95,
    "frechet_ratio": 1.5,
    "modulation_db": 1.0,
    "told_apart": 0.7,
    "diversity": 0.9,
}
MakeRun = Callable[..., Run]


class Read(HTMLParser):
    """Collects what a browser would do with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "poster", "xlink:href"):
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(folder: Path) -> Read:
    page = Read()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    return page


@pytest.fixture
def make_run(model_dir: Path, tones: Path) -> MakeRun:
    data = read_dataset(tones)
    training, validation = data.split(0.1)

    def make(words: str = "", **changes: object) -> Run:
        args = train.parse_args(["--data", str(tones), "--model-dir", "out", *words.split()])
        run = Run(args, data, training, validation, ServedModel.load(model_dir), HISTORY, MEASURED)
        return replace(run, **changes)  # type: ignore[arg-type]

    return make


def test_a_report_is_one_file_that_asks_for_nothing_from_elsewhere(
    make_run: MakeRun, tmp_path: Path
) -> None:
    write_run_report(tmp_path, make_run())
    page = read(tmp_path)
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    assert not page.tags["script"]
    assert not page.handlers
    content = (tmp_path / "report.html").read_text()
    assert "url(" not in content
    assert "@import" not in content


def test_it_lets_one_hear_and_see_a_recording_its_coding_and_a_new_sound_of_each_label(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    write_run_report(tmp_path, run)
    page = read(tmp_path)
    assert page.tags["audio"] == page.tags["image"] == 3 * len(run.model.labels)
    for words in ("Recording", "Coded and decoded", "New sound", "kHz"):
        assert words in page.text
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["00_high.wav", "01_low.wav"]
    assert soundfile.read(tmp_path / "samples" / names[0])[1] == 8000


def test_report_json_says_the_same_to_programs(make_run: MakeRun, tmp_path: Path) -> None:
    write_run_report(tmp_path, make_run(seconds=61.04))
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["history"] == HISTORY
    assert content["metrics"] == MEASURED
    assert content["labels"] == ["high", "low"]
    assert content["verdict"] == "Sounds like the recordings."
    assert content["heard"] is None
    assert content["seconds"] == 61.0


def test_it_begins_with_a_verdict_and_explains_every_figure(
    make_run: MakeRun, tmp_path: Path
) -> None:
    write_run_report(tmp_path, make_run())
    text = read(tmp_path).text
    assert "Sounds like the recordings." in text
    assert "Distance from real sounds 1.5 good" in text
    assert "1 is as close as real sounds are" in text
    assert "Good up to 2, poor above 4 times." in text
    assert "There was no served model to compare with." in text


def test_a_comparison_is_told_in_words(make_run: MakeRun, tmp_path: Path) -> None:
    why = "its labels are seven; those of the data high, low"
    metrics = {**MEASURED, "comparable": 0.0}
    write_run_report(tmp_path, make_run(comparison=Comparison(False, why), metrics=metrics))
    text = read(tmp_path).text
    assert f"Not compared with the served model: {why}." in text
    assert "comparable" not in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "there are 21 clips with a label to learn from, too few"),
        ("--evaluation-sounds 0", "evaluation_sounds is 0"),
    ],
)
def test_a_figure_that_is_missing_has_a_reason(
    make_run: MakeRun, tmp_path: Path, words: str, reason: str
) -> None:
    run = make_run(words, metrics={"val_loss": -1.0})
    reason = reason.replace("21", str(len(run.training)))
    write_run_report(tmp_path, run)
    text = read(tmp_path).text
    assert f"Listen and judge for yourself: {reason}" in text
    assert "No recogniser was trained" in text


def test_what_the_recogniser_hears_is_shown_label_by_label(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    recogniser = Recogniser.untrained(run.model.transform, 2)
    write_run_report(tmp_path, replace(run, recogniser=recogniser))
    heard = json.loads((tmp_path / "report.json").read_text())["heard"]
    counts = np.array(heard["confusion"])
    assert counts.shape == (2, 3)
    assert (counts.sum(axis=1) == 30).all()
    assert set(heard["variety"]) == {"high", "low"}
    assert "high heard as low" in read(tmp_path).text


def test_it_says_what_became_of_the_files(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    report = DataReport(
        files=30,
        kept=24,
        cropped=2,
        skipped=Skipped([("a.wav", "empty file")] * 5 + [("b.txt", ".txt is not a sound")]),
        labels={"high": 12, "low": 12},
        source_rates=Counter({8000: 20, 44100: 4}),
        warnings=["4 of 24 files have 44100 Hz and were brought down to 8000 Hz."],
    )
    write_run_report(tmp_path, replace(run, data=replace(run.data, report=report)))
    text = read(tmp_path).text
    for words in (
        "24 of 30 files are used",
        "5 empty file a.wav",
        "44,100 Hz",
        "brought down to 8000 Hz",
        "2 cut off",
    ):
        assert words in text


def test_the_same_run_can_be_made_again(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SM_MODEL_DIR", raising=False)
    run = make_run("--epochs 7 --vocoder false --preset reference")
    write_run_report(tmp_path, run)
    command = read(tmp_path).text.split("the repository: ")[1]
    words = command.split("training/train.py ")[1].split(" Time, cost")[0].split()
    again = train.parse_args(words)
    assert vars(again) == vars(run.args)
    monkeypatch.setenv("SM_MODEL_DIR", "m")
    write_run_report(tmp_path, run)
    given = read(tmp_path).text.split("in the field data: ")[1].split(" Time, cost")[0]
    assert json.loads(given) == {
        "hyperparameters": {"epochs": 7, "vocoder": False, "preset": "reference"}
    }


EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"


def test_no_name_can_do_anything(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    labels = [EVIL, f"{EVIL}2"]

    def renamed(data: Dataset) -> Dataset:
        return replace(data, labels=labels, names=[f"{EVIL}{name}" for name in data.names])

    sounds = run.model.sample(["low"] * 2, range(2))
    monkeypatch.setattr(run.model, "labels", labels)
    monkeypatch.setattr(run.model, "sample", lambda names, *_: sounds)
    report = DataReport(skipped=Skipped([(EVIL, EVIL)]), labels={EVIL: 2}, warnings=[EVIL])
    folder = tmp_path / "model"
    folder.mkdir()
    drawn = {"labels": labels, "points": [{"x": 0, "y": 0, "label": 0, "name": EVIL, "z": []}]}
    (folder / "map.json").write_text(json.dumps(drawn))
    monkeypatch.setattr(run.model, "folder", folder)
    monkeypatch.setattr(run.model, "vary", lambda *_, **__: sounds)
    args = argparse.Namespace(**{**vars(run.args), "data": Path(EVIL), "preset": EVIL})
    write_run_report(
        tmp_path,
        replace(
            run,
            args=args,
            data=replace(renamed(run.data), report=report),
            training=renamed(run.training),
            validation=renamed(run.validation),
            comparison=Comparison(False, EVIL),
        ),
    )
    page = read(tmp_path)
    assert not page.tags["script"]
    assert not page.tags["img"]
    assert not page.handlers
    assert all(link.startswith("data:") for link in page.links)
    assert "alert(1)" in page.text
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.wav", f.name) for f in tmp_path.glob("samples/*"))


def test_the_command_that_makes_the_run_again_names_the_model_that_it_started_from(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    args = argparse.Namespace(**{**vars(run.args), "start_from": Path("before.tar.gz")})
    write_run_report(tmp_path, replace(run, args=args))
    assert "--start-from before.tar.gz" in read(tmp_path).text
    monkeypatch.setenv("SM_MODEL_DIR", "/opt/ml/model")
    write_run_report(tmp_path, replace(run, args=args))
    assert "and the same start_from" in read(tmp_path).text


def test_the_command_names_the_quality_and_not_what_follows_from_it(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    draft = vars(run.args) | defaults("draft") | {"quality": "draft", "seed": 7}
    write_run_report(tmp_path, replace(run, args=argparse.Namespace(**draft)))
    command = read(tmp_path).text.partition("--model-dir")[2].partition("Time, cost")[0]
    assert re.findall(r"--\S+ \S+", command) == ["--quality draft", "--seed 7"]
