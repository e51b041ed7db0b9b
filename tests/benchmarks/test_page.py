"""What `make bench` writes can be read, and every part of it can be run alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import ROOT, growth, training
from benchmarks.growth import Point
from benchmarks.measurement import Row, Section
from benchmarks.memory import Watch


def test_a_comparison_becomes_a_table_with_its_ratio() -> None:
    section = Section("Speed", "How.", [Row("clips", "100", "10", 10.0), Row("size", "3 MB")])
    assert section.to_markdown() == (
        "## Speed\n\nHow.\n\n| what | ours | baseline | ratio |\n| --- | --- | --- | --- |\n"
        "| clips | 100 | 10 | 10.0 x |\n| size | 3 MB |  |  |"
    )


def test_a_table_with_other_columns_ends_with_its_remarks() -> None:
    section = Section("A", "B.", [("1", "2")], columns=("x", "y"), remarks="C.")
    assert section.to_markdown().endswith("| x | y |\n| --- | --- |\n| 1 | 2 |\n\nC.")


def test_a_row_that_does_not_fit_its_columns_is_an_error() -> None:
    with pytest.raises(AssertionError, match="Speed"):
        Section("Speed", "How.", [("1", "2")]).to_markdown()


def test_growth_is_drawn(tmp_path: Path) -> None:
    points = [Point(1, 800), Point(4, 900), Point(16, 1300)]
    growth.draw(dict.fromkeys(growth.WORK, points), growth.TIMES, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_step_of_default_settings_is_counted() -> None:
    trainer = training.default_trainer(clips=training.BATCH)
    weights = trainer.vae.count_params()  # each is used forwards once, backwards twice, or more
    assert training.step_flops(trainer) > 3 * 2 * training.BATCH * weights


def test_memory_of_a_process_and_of_what_it_starts_is_seen() -> None:
    hold = "import sys, time; x = bytearray(64 << 20); print('', flush=True); sys.stdin.read()"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with Watch(process.pid) as watch:
            pass
        process.communicate()
    assert watch.most_mib > 64


def test_memory_of_whoever_started_a_process_is_not_its_own() -> None:
    held = bytearray(400 << 20)
    script = "from benchmarks.measurement import peak_mib; print(peak_mib())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    peak = subprocess.check_output([sys.executable, "-c", script], text=True, env=environment)
    assert float(peak) < len(held) >> 20


@pytest.mark.parametrize("module", ["growth", "endpoint", "full_run", "made_up_sounds"])
def test_each_part_explains_itself(module: str) -> None:
    name = f"benchmarks.{module}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert f"python -m {name}" in done.stdout
