"""The whole path on this machine: sounds -> bucket -> training job -> endpoint -> new sounds.

    python -m demo                          # spoken digits, made offline
    python -m demo --data ~/sounds          # your own: wav, flac, ogg, mp3, aiff
    python -m demo --epochs 100             # trains longer, sounds better
    python -m demo --workers 2              # trains on two machines, each with half of the sounds
    python -m demo --keep                   # afterwards: soundvae --local studio

It runs the commands that it prints, against a stand-in for AWS of its own, or with --keep against
that of `soundvae up`, which stays.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from demo import spoken_digits

REPOSITORY = Path(__file__).parents[1]
OUTPUT = REPOSITORY / "demo-output"
JOB_ENVIRONMENT = REPOSITORY / ".venv-job"
CLIPS_TO_TRAIN_ON = 15_000
"""Clips times epochs that two CPU cores train on in about a minute."""
MOST_SOUNDS = 750
"""That a draft's own number of epochs is not too long for."""
MOST_LABELS = 10
KEPT = """
It is still there:
  soundvae --local studio
  soundvae down"""
ON_AWS = """
The same on AWS, with your credentials:
  soundvae deploy
  soundvae upload SOUNDS
  soundvae train --watch
  soundvae say"""


class Demo:
    """The commands in a row, each printed before it runs, and how long it took after that."""

    def __init__(self, stand_in: Path | None) -> None:
        self.environment = {**os.environ, "SOUNDVAE_LOCAL": "1"}
        if stand_in:
            self.environment["SOUNDVAE_STAND_IN"] = str(stand_in)

    def run(self, *arguments: str) -> None:
        """Run a command of `soundvae`; when it fails the demo ends with its exit code."""
        print(f"$ {shlex.join(('soundvae', *arguments))}", flush=True)
        started = time.monotonic()
        code = subprocess.run(self._command(*arguments), env=self.environment).returncode
        if code:
            sys.exit(code)
        print(f"  {time.monotonic() - started:.1f} s\n", flush=True)

    def ask(self, *arguments: str) -> Any:
        """Run a command whose answer the demo itself needs."""
        command = self._command("--json", *arguments)
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return json.loads(done.stdout)

    def end(self) -> None:
        """End the stand-in with every job and endpoint."""
        command = self._command("down")
        subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, check=False)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "client", *arguments]


def run(demo: Demo, options: argparse.Namespace) -> None:
    """Run all steps; the results are in the output folder when all of them have succeeded."""
    data, output = options.data, options.output
    if not (JOB_ENVIRONMENT / "bin" / "train").exists():
        sys.exit(
            f"{JOB_ENVIRONMENT.name}/ with the SageMaker training toolkit is missing: run "
            "`make demo`, which makes it (that needs a C compiler such as gcc)."
        )
    folder = data or spoken_digits.FOLDER
    if data is None:
        print("Spoken digits are made, or found from the last time.\n", flush=True)
        spoken_digits.write(folder)
    unfinished = output.with_name(f".{output.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    demo.run("up", *(("--port", str(options.port)) if options.port else ()))
    demo.run("deploy")
    demo.run("say", "--seed", "1", "-o", str(unfinished / "starter"))
    demo.run("upload", str(folder))
    sounds = sum(1 for file in folder.rglob("*") if file.is_file())
    epochs = options.epochs
    if sounds > MOST_SOUNDS:
        epochs = epochs or max(3, CLIPS_TO_TRAIN_ON // sounds)
    chosen = ["--set", f"epochs={epochs}"] if epochs else []
    if options.workers > 1:
        chosen += ["--machines", str(options.workers)]
    demo.run("train", "--quality", "draft", *chosen, "--watch")
    [newest] = demo.ask("runs", "-n", "1")
    labels = list(newest["output"]["data"].get("labels", {})) if newest["served"] else []
    asked = labels[:MOST_LABELS] or ["-n", "5"]
    demo.run("say", *asked, "--seed", "0", "-o", str(unfinished))
    demo.run("report", "-o", str(unfinished / "report"))
    shutil.rmtree(output, ignore_errors=True)
    unfinished.replace(output)
    figures = newest["output"].get("metrics", {})
    for name, value in figures.items():
        print(f"  {name:24} {value:.3g}")
    print(f"\nEverything is in {os.path.relpath(output)}/:")
    for file in sorted(file for file in output.iterdir() if file.is_file()):
        print(f"  {file.name}")
    print("  report/report.html, which opens in a browser")


def main() -> None:
    """Parse the command line and run; every expected mistake is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with your sounds")
    parser.add_argument("--epochs", type=int, help="default: what takes about a minute")
    parser.add_argument("--workers", type=int, default=1, help="machines that train; default: 1")
    parser.add_argument("--port", type=int, help="of the stand-in; the first free one from 5000 on")
    parser.add_argument("--keep", action="store_true", help="leave what was deployed")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: demo-output/")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        sys.exit(f"{options.data} is not a folder: --data takes a folder with sounds.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="sound-vae-demo-") as stand_in:
        demo = Demo(None if options.keep else Path(stand_in))
        try:
            run(demo, options)
        except KeyboardInterrupt:
            left = "`soundvae down` ends the stand-in" if options.keep else "nothing keeps running"
            sys.exit(f"interrupted; {left}")
        finally:
            if not options.keep:
                demo.end()
    print(KEPT if options.keep else ON_AWS)


if __name__ == "__main__":
    main()
