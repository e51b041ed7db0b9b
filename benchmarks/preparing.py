"""What preparing sounds once costs and brings: each measurement in a process of its own.

python -m benchmarks.preparing                  all of them, as a table
python -m benchmarks.preparing --work plan --keys 1000000

Figures of work are seconds of processor time, which other programs on the machine change little.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ROOT
from benchmarks.measurement import Section, machine, peak_mib

KEYS = (100_000, 1_000_000)
SOUNDS = 300  # of two seconds at 44.1 kHz
STREAMED = (12_000, 120_000)  # clips
STREAMED_SHAPE = (64, 128)  # frames and bins of each
BATCH = 512  # clips of 16 steps
RATE = 44_100  # Hz


def made_up(folder: Path) -> Path:
    """Write noisy tones of 0.3 to 2 s at 44.1 kHz."""
    import soundfile

    rng = np.random.default_rng(0)
    for number in range(SOUNDS):
        samples = round(rng.uniform(0.3, 2.0) * RATE)
        time_ = np.arange(samples) / RATE
        wave = 0.5 * np.sin(2 * np.pi * rng.uniform(200, 4000) * time_) * np.exp(-2 * time_)
        soundfile.write(
            folder / f"a_{number}.wav", wave + 0.01 * rng.standard_normal(samples), RATE
        )
    return folder


def prepare(sounds: Path, prepared: Path) -> dict[str, Any]:
    """Plan and prepare a folder of this machine; processor seconds and bytes of it."""
    from sound_vae.data.folder import visible_files
    from sound_vae.data.shards.framed import decide
    from sound_vae.data.shards.layout import MANIFEST, PARTS, SHARDS
    from sound_vae.data.shards.planning import Listed, make_plan, read_todo
    from sound_vae.data.shards.sharing import shards_of
    from sound_vae.data.shards.writing import write_shards

    manifest, shards = prepared / MANIFEST, prepared / SHARDS
    for folder in (manifest / PARTS, shards, prepared / "plan"):
        folder.mkdir(parents=True)
    names = sorted(visible_files(sounds)[0])

    def fetch(some: Any, folder: Path) -> None:
        for name in some:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(sounds / name, folder / name)

    plan = make_plan([Listed(name, "0") for name in names], [], prepared / "plan", "s3://b/")
    before = cpu()
    how = decide(plan.sample.names, plan.sounds, fetch, trim_db=45.0)
    decided = cpu() - before
    how.write(manifest)
    plan.write(manifest, ())
    todo = list(shards_of(read_todo(prepared / "plan"), how, "benchmark"))

    def write() -> float:
        before = cpu()
        for _, error in write_shards(
            todo, how, sounds=sounds, shards=shards, parts=manifest / PARTS
        ):
            assert error is None, error
        return cpu() - before

    write()  # what is only loaded, and traced, when it is needed
    seconds = write()
    size = sum(file.stat().st_size for file in shards.iterdir())
    return {
        "clips": len(names),
        "per_core": len(names) / seconds,
        "decided": decided,
        "bytes": size / len(names),
        "padded": 2 * how.framing.frames * how.framing.bins,
        "files": sum((sounds / name).stat().st_size for name in names) / len(names),
        "seconds": how.clip_seconds,
        "rate": how.framing.sample_rate,
    }


def digits(data: Path) -> dict[str, Any]:
    """Prepare a folder of recordings, under five names each."""
    with tempfile.TemporaryDirectory() as scratch:
        sounds = Path(scratch, "sounds")
        sounds.mkdir()
        for file in data.iterdir():
            for number in range(5):
                os.link(file, sounds / f"{file.stem}-{number}{file.suffix}")
        return prepare(sounds, Path(scratch, "prepared"))


def tones(_: Path) -> dict[str, Any]:
    """Prepare the made-up sounds."""
    with tempfile.TemporaryDirectory() as scratch:
        sounds = Path(scratch, "sounds")
        sounds.mkdir()
        return prepare(made_up(sounds), Path(scratch, "prepared"))


def plan(_: Path, keys: int) -> dict[str, Any]:
    """Compare a made-up listing with as many lines of a manifest; half of them are as they were."""
    from sound_vae.data.shards.part import Clip, Head, write_part
    from sound_vae.data.shards.planning import Listed, make_plan

    def name(number: int) -> str:
        return f"folder-{number // 1000:06}/sound-{number:09}.wav"

    def listing() -> Iterator[Listed]:
        for number in range(keys):
            yield Listed(name(number), f"{number:032x}")

    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for shard in range(10):
            parts.append(Path(scratch, f"{shard}.jsonl"))
            lines = (
                (name(number), f"{number:032x}", Clip(0, 0, 1, 1, 8000, 1))
                for number in range(shard, keys // 2, 10)
            )
            write_part(parts[-1], Head(f"{shard}.tfrecord", 0), lines)
        # of a process of its own: sorting the parts took memory
        before, started = peak_mib(), cpu()
        found = make_plan(listing(), parts, Path(scratch), "s3://bucket/audio/")
        assert (found.todo, found.kept) == (keys - keys // 2, keys // 2)
        return {"seconds": cpu() - started, "peak_mib": peak_mib(), "before": before}


def stream(_: Path, clips: int) -> dict[str, Any]:
    """Read an epoch of made-up shards in batches; the same from a file in this machine's memory."""
    from sound_vae.data.shards.record import AFTER, BEFORE, example
    from sound_vae.data.shards.values import Shards
    from sound_vae.data.streaming import Rows, Scratch

    frames, bins = STREAMED_SHAPE
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        files, of, offsets, sizes = [], [], [], []
        memory = Scratch((clips, frames, bins), np.float16)
        for start in range(0, clips, 2000):
            files.append(Path(scratch, f"{start}.tfrecord"))
            at = 0
            with files[-1].open("wb") as shard:
                for number in range(start, min(start + 2000, clips)):
                    values = rng.random((frames, bins), np.float32).astype(np.float16)
                    memory.write(number, values)
                    body = example(f"{number}", None, "", 1, values)
                    shard.write(b"\0" * BEFORE + body + b"\0" * AFTER)
                    of.append(len(files) - 1)
                    offsets.append(at)
                    sizes.append(BEFORE + len(body) + AFTER)
                    at += sizes[-1]
        of_file, at_byte, of_bytes = (np.array(values) for values in (of, offsets, sizes))
        values_of_shards = Shards(
            files,
            frames,
            bins,
            of=of_file,
            offsets=at_byte,
            sizes=of_bytes,
            window_bytes=2**26,  # two shards of these
        )
        shards = Rows(values_of_shards, np.arange(clips))
        speeds = {}
        before = peak_mib()
        for name, rows in (("shards", shards), ("memory", Rows(memory.array(), np.arange(clips)))):
            if name == "memory":
                peak = peak_mib() - before
            order = rows.order(rng)
            started = time.perf_counter()
            used = cpu()
            for first in range(0, clips, BATCH):
                rows[order[first : first + BATCH]]
            speeds[name] = clips / (time.perf_counter() - started)
            speeds[f"{name}_cpu"] = clips / (cpu() - used)
        return {**speeds, "more_mib": peak}


def cpu() -> float:
    """Processor seconds of this process."""
    times = os.times()
    return times.user + times.system


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "digits": digits,
    "tones": tones,
    "plan": plan,
    "stream": stream,
}


def of_digits(data: Path) -> dict[str, Any]:
    """Measure how fast recordings are prepared, and what a clip takes."""
    return _in_its_own_process(data, "digits")


def run(data: Path) -> Section:
    """Measure everything and give the table."""
    rows: list[tuple[str, ...]] = []
    for work, what in (("digits", "spoken digits"), ("tones", "made-up sounds")):
        found = _in_its_own_process(data, work)
        where = f"{what}, {found['rate']:,} Hz, clips of {found['seconds']:.2f} s"
        rows.append((f"{where}: prepared a second and core", f"{found['per_core']:,.0f} clips"))
        sizes = f"{found['bytes']:,.0f} bytes ({found['padded']:,} as training has it in memory"
        rows.append((f"{where}: a clip in a shard", f"{sizes}, {found['files']:,.0f} as a file)"))
    for keys in KEYS:
        found = _in_its_own_process(data, "plan", keys)
        rows.append(
            (
                f"a plan for {keys:,} files, half of them prepared before",
                f"{found['seconds']:.1f} s, peak {found['peak_mib']:.0f} MiB "
                f"({found['before']:.0f} before it began)",
            )
        )
    for clips in STREAMED:
        found = _in_its_own_process(data, "stream", clips)
        rows.append(
            (
                f"an epoch of {clips:,} clips from shards, in batches of {BATCH}",
                f"{found['shards_cpu']:,.0f} clips a second and core, {found['more_mib']:.0f} MiB "
                f"more than before; from memory {found['memory_cpu']:,.0f}",
            )
        )
    method = f"On {machine()}. Processor seconds; each figure is from a process of its own."
    return Section("Preparing sounds", method, rows, ("what", "figure"))


def _in_its_own_process(data: Path, work: str, number: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.preparing", "--data", str(data), "--work", work]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'training'}"}
    done = subprocess.run(
        [*command, "--keys", str(number)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure one kind of work, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.preparing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = ROOT / ".cache" / "spoken-digits-8000"
    parser.add_argument("--data", type=Path, default=default, help="recordings; the demo's if none")
    parser.add_argument("--work", choices=WORK)
    parser.add_argument("--keys", type=int, default=0, help="files or clips that are made up")
    args = parser.parse_args()
    if args.work:
        given = (args.keys,) if args.keys else ()
        print(json.dumps(WORK[args.work](args.data, *given)))
    else:
        print(run(args.data).to_markdown())


if __name__ == "__main__":
    main()
