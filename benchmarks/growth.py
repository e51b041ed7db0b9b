"""How time and memory grow with the data: each measurement in a process of its own.

python -m benchmarks.growth --data recordings             all of them, table and picture
python -m benchmarks.growth --data recordings --work training --times 4
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT
from benchmarks.measurement import Section, peak_mib, seconds
from benchmarks.memory import Watch

TIMES = (1, 4, 16)
TRAINING_CLIPS, REQUEST_SOUNDS = 600, 4  # at 1 x
PICTURE = ROOT / "docs" / "growth.png"


@dataclass(frozen=True)
class Point:
    """One measurement of one kind of work."""

    seconds: float
    peak_mib: float


def preprocessing(folder: Path, times: int) -> float:
    """Seconds of reading every file of `folder` under `times` names."""
    from sound_vae.data.dataset import read_dataset

    files = sorted(file for file in folder.rglob("*") if file.is_file())
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        _copy(files[:2], folder, Path(few), 1)
        read_dataset(Path(few))  # what is only loaded when it is needed
        _copy(files, folder, Path(many), times)
        return seconds(lambda: read_dataset(Path(many)))


def _copy(files: list[Path], folder: Path, copies: Path, times: int) -> None:
    """Give each of the files below `folder` this many names below `copies`."""
    for i in range(times):
        for file in files:
            name = file.relative_to(folder)
            copy = copies / name.parent / f"{name.stem}-{i}{name.suffix}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def training(_: Path, times: int) -> float:
    """Seconds of an epoch with default settings, once the graph has been traced."""
    from benchmarks.training import default_trainer, epoch_speed

    clips = TRAINING_CLIPS * times
    trainer = default_trainer(clips)
    epoch_speed(trainer)
    return clips / epoch_speed(trainer)


def endpoint(_: Path, times: int) -> float:
    """Seconds of one request for several sounds, on all cores."""
    from benchmarks.endpoint import measure, unpacked

    with unpacked(ROOT / "infra" / "starter" / "model.tar.gz") as model_dir:
        return measure(model_dir, os.cpu_count() or 1, REQUEST_SOUNDS * times)["later"]


WORK: dict[str, Callable[[Path, int], float]] = {
    "training": training,
    "preprocessing": preprocessing,
    "endpoint": endpoint,
}


def run(folder: Path, picture: Path = PICTURE, times: Sequence[int] = TIMES) -> Section:
    """Measure everything, draw the picture, and give the table."""
    measured: dict[str, list[Point]] = {}
    for work in WORK:
        for n in times:
            print(f"growth: {work}, {n} x the data", flush=True)
            measured.setdefault(work, []).append(_in_its_own_process(folder, work, n))
    draw(measured, times, picture)
    files = sum(file.is_file() for file in folder.rglob("*"))
    what = {
        "training": f"training, an epoch of {TRAINING_CLIPS} clips x n",
        "preprocessing": f"preprocessing, {files:,} files x n",
        "endpoint": f"endpoint, {REQUEST_SOUNDS} sounds x n in one request",
    }
    rows = [
        (what[work], *(f"{p.seconds:.3g} s, {p.peak_mib:,.0f} MiB" for p in points))
        for work, points in measured.items()
    ]
    method = (
        "Each figure is from a process of its own, and its memory is the most that the process and "
        "those it started held at one time; some "
        f"{_bare_mib():.0f} MiB of that are Python with TensorFlow and librosa loaded. Training "
        "holds its clips as 16-bit floating-point numbers; files are repeated under other names."
    )
    remarks = f"![Time and memory for 1, 4 and 16 times the data]({picture.name})"
    columns = ("what", *(f"n = {n}" for n in times))
    return Section("Peak memory, and how time and memory grow", method, rows, columns, remarks)


def draw(measured: dict[str, list[Point]], times: Sequence[int], picture: Path) -> None:
    """Draw time and memory on logarithmic axes; dotted lines show linear growth."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for (work, points), marker in zip(measured.items(), "os^", strict=True):
        left.loglog(times, [p.seconds for p in points], marker=marker, label=work)
        right.loglog(times, [p.peak_mib for p in points], marker=marker)
        linear = [points[0].seconds * n / times[0] for n in times]
        left.loglog(times, linear, color="grey", linestyle=":", linewidth=1)
    left.plot([], [], color="grey", linestyle=":", label="in proportion")
    for axis, title in ((left, "Time (s)"), (right, "Peak memory (MiB)")):
        axis.set(xlabel="Data, times the smallest", title=title)
        axis.set_xticks(times, [f"{n} x" for n in times])
        axis.minorticks_off()
        axis.grid(True, which="major", alpha=0.3)
    low, high = right.get_ylim()
    right.set_ylim(min(low, 100), max(high, 10_000))
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _in_its_own_process(folder: Path, work: str, times: int) -> Point:
    command = [sys.executable, "-m", "benchmarks.growth", "--data", str(folder)]
    command += ["--work", work, "--times", str(times)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Point(**json.loads(answer.stdout.splitlines()[-1]))


def _bare_mib() -> float:
    script = "import benchmarks, librosa, sound_vae.data.dataset"
    script += "; from benchmarks.measurement import peak_mib"
    command = [sys.executable, "-c", f"{script}; print(peak_mib())"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return float(answer.stdout.splitlines()[-1])


def _watched(work: Callable[[], float]) -> Point:
    """Run `work` and watch the memory of this process and its children."""
    with Watch(os.getpid()) as watch:
        took = work()
    return Point(took, max(watch.most_mib, peak_mib()))


def main() -> None:
    """Measure one thing, or everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    parser.add_argument("--work", choices=sorted(WORK), help="only this, as one line of JSON")
    parser.add_argument("--times", type=int, default=1, help="how many times the data")
    args = parser.parse_args()
    if not args.work:
        print(run(args.data).to_markdown())
        return
    point = _watched(lambda: WORK[args.work](args.data, args.times))
    print(json.dumps({"seconds": point.seconds, "peak_mib": point.peak_mib}))


if __name__ == "__main__":
    main()
