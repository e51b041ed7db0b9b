"""The whole path on this machine: sounds -> bucket -> training job -> endpoint -> new sounds.

    python -m local.demo                          # spoken digits, made offline
    python -m local.demo --data ~/sounds          # your own: wav, flac, ogg, mp3
    python -m local.demo --epochs 100             # trains longer, sounds better

Files named `<label>_anything.wav`, or in one sub-folder for each label, have that label.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import processes, spoken_digits
from local.__main__ import READY
from local.aws_environment import operator_environment
from local.following import Epoch, ExecutionFailedError, State, follow
from local.spectrogram_sheet import draw

REPOSITORY = Path(__file__).parents[1]
OUTPUT = REPOSITORY / "demo-output"
SPOKEN_DIGITS = REPOSITORY / ".cache" / "spoken-digits"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
JOB_ENVIRONMENT = REPOSITORY / ".venv-job"
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "SoundVae"
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
CLIPS_TO_TRAIN_ON = 15_000
"""Clips times epochs that two CPU cores train on in about a minute and a half."""
MOST_LABELS = 10


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


def label_of(file: Path, folder: Path) -> str | None:
    """Return the label of a sound by the rules of the training script."""
    if file.parent != folder:
        return file.relative_to(folder).parts[0]
    label, underscore, _ = file.stem.partition("_")
    return label if underscore and label else None


def sounds_in(folder: Path) -> list[Path]:
    """Return the audio files below a folder; raises `DemoError` if there are none."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise DemoError(f"There is no wav, flac, ogg or mp3 file in {folder}.")
    return files


def check_tools() -> None:
    """Raise `DemoError` if something that `make` installs is missing."""
    if not (JOB_ENVIRONMENT / "bin" / "train").exists():
        raise DemoError(
            f"{JOB_ENVIRONMENT.name}/ with the SageMaker training toolkit is missing: run "
            "`make demo`, which makes it (that needs a C compiler such as gcc)."
        )
    if not CDK.exists():
        raise DemoError("The CDK's command line is missing: run `make demo`, which installs it.")


class Demo:
    """The steps, with the time that each one takes."""

    def __init__(self, console: Console, port: int) -> None:
        self.console = console
        self.port = port
        self.seconds: dict[str, float] = {}
        self.outputs: dict[str, str] = {}
        self._stand_in: Any = None

    @contextmanager
    def step(self, title: str, busy: bool = True) -> Iterator[None]:
        """Show a step while it runs, and how long it took; `busy` with a spinner."""
        start = time.monotonic()
        if busy:
            with self.console.status(title):
                yield
        else:
            yield
        self.seconds[title] = time.monotonic() - start
        self.console.print(f"[green]✓[/] {title} [dim]{self.seconds[title]:.1f} s[/]")

    def client(self, api: str) -> Any:
        """Return a boto3 client, configured by the environment as for AWS."""
        return boto3.client(api)

    def start(self) -> None:
        """Start the stand-in and point this program's AWS tools at it."""
        command = [sys.executable, "-m", "local", "--port", str(self.port)]
        with self.step(f"Start the stand-in for AWS on port {self.port}"):
            # a process of its own: uploading has one core, receiving the other
            self._stand_in = processes.start(command, os.environ, REPOSITORY)
            last = ""
            for line in self._stand_in.stdout or ():
                if READY in line:
                    os.environ.update(operator_environment(f"http://localhost:{self.port}", REGION))
                    return
                last = line.strip() or last
            raise DemoError(last)

    def stop(self) -> None:
        """End the stand-in with every job and endpoint."""
        if self._stand_in:
            processes.stop(self._stand_in, patience=15)

    def deploy(self) -> None:
        """Deploy the stack with the CDK's own command line."""
        with self.step("cdk bootstrap"), tempfile.TemporaryDirectory() as elsewhere:
            # in a folder without an app, or it would be synthesised for nothing
            self._cdk(Path(elsewhere), "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        with self.step("cdk deploy"):
            self._cdk(REPOSITORY, "deploy", "--require-approval", "never")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}

    def _cdk(self, folder: Path, *arguments: str) -> None:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "CDK_DISABLE_VERSION_CHECK": "1",
        }
        process = processes.start([CDK, *arguments, "--no-notices", "--ci"], environment, folder)
        try:
            lines = process.stdout.read() if process.stdout else ""
            if process.wait():
                raise DemoError(f"cdk {arguments[0]} failed:\n{lines}")
        finally:
            processes.stop(process)

    def invoke(self, request: dict[str, Any], file: Path) -> None:
        """Write the sound that the endpoint answers with."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.outputs["EndpointName"],
            ContentType="application/json",
            Accept="audio/wav",
            Body=json.dumps(request),
        )
        file.write_bytes(answer["Body"].read())

    def upload(self, files: list[Path], folder: Path) -> None:
        """Upload the sounds under audio/."""
        s3, bucket = self.client("s3"), self.outputs["BucketName"]

        def send(file: Path) -> None:
            key = f"audio/{file.relative_to(folder).as_posix()}"
            s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())

        title = f"Upload {len(files)} sounds to the bucket, under audio/"
        with self.step(title, busy=False), self._progress() as progress:
            task = progress.add_task("uploading", total=len(files), figures="")
            with ThreadPoolExecutor(4) as pool:
                for _ in pool.map(send, files):
                    progress.advance(task)

    def train(self, epochs: int) -> dict[str, Any]:
        """Run the state machine, showing where it is; return the execution's output."""
        request = {"hyperparameters": {"epochs": epochs}}
        execution = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], input=json.dumps(request)
        )
        title = f"Start execution with {json.dumps(request)}"
        output: dict[str, Any] = {}
        with self.step(title, busy=False), self._progress() as progress:
            task = progress.add_task("starting", total=epochs, figures="")
            last_state = ""
            events = follow(
                execution["executionArn"], self.client("stepfunctions"), self.client("logs")
            )
            for event in events:
                if isinstance(event, State):
                    if event.name != last_state:
                        progress.console.print(f"  [dim]state[/] {event.name}")
                        progress.update(task, description=event.name)
                    last_state = event.name
                elif isinstance(event, Epoch):
                    loss = event.figures.get("val_loss", float("nan"))
                    progress.update(
                        task, completed=event.number, figures=f"epoch, val_loss {loss:.3f}"
                    )
                    if not self.console.is_terminal and event.number % max(epochs // 5, 1) == 0:
                        self.console.print(f"  epoch {event.number}/{epochs} val_loss {loss:.3f}")
                else:
                    output = event
        return output

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )

    def listen(self, labels: list[str]) -> dict[str, Path]:
        """Ask the endpoint for a sound of each label; return the files by their names."""
        sounds = {}
        with self.step("Invoke the endpoint, which serves the new model"):
            for number, label in enumerate(labels or [f"sound {n + 1}" for n in range(5)]):
                request = {"label": label, "seed": number} if labels else {"seed": number}
                file = OUTPUT / f"{label.replace(' ', '-').replace('/', '-')}.wav"
                self.invoke(request, file)
                sounds[label] = file
        return sounds

    def report(self, sounds: dict[str, Path], output: dict[str, Any]) -> None:
        """Print what was written, how long each part took, and how to do the same on AWS."""
        written = Table("written to demo-output/", "", box=None, pad_edge=False)
        for file in sorted(OUTPUT.iterdir()):
            written.add_row(file.name, f"{file.stat().st_size / 1024:.0f} KB")
        times = Table("part", "seconds", box=None, pad_edge=False)
        for title, seconds in self.seconds.items():
            times.add_row(title, f"{seconds:.1f}")
        times.add_row("all", f"{sum(self.seconds.values()):.1f}")
        self.console.print("", written, "", times, "")
        figures = Table("figure of the new model", "", box=None, pad_edge=False)
        for name, value in output.get("metrics", {}).items():
            figures.add_row(name, f"{value:.3g}")
        self.console.print(figures, f"\nServed now: {output.get('model')}", soft_wrap=True)
        self.console.print(ON_AWS, highlight=False, markup=False, soft_wrap=True)


ON_AWS = """
The same on AWS, with your credentials:
  cdk bootstrap && cdk deploy                        # the outputs name what follows
  aws s3 cp --recursive SOUNDS s3://BUCKET/audio/
  aws stepfunctions start-execution --state-machine-arn ARN     # or in the console
  aws sagemaker-runtime invoke-endpoint --endpoint-name sound-vae --accept audio/wav \\
    --content-type application/json --cli-binary-format raw-in-base64-out \\
    --body '{"label":"seven"}' seven.wav"""


def run(demo: Demo, data: Path | None, epochs: int | None) -> None:
    """Go the whole way."""
    check_tools()
    folder = data or SPOKEN_DIGITS
    if data is None:
        with demo.step("Make spoken digits"):
            spoken_digits.write(folder)
    files = sounds_in(folder)
    found = {label_of(file, folder) for file in files}
    labels = sorted(label for label in found if label) if None not in found else []
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    demo.start()
    demo.deploy()
    with demo.step("Invoke the endpoint, which serves the starter model"):
        demo.invoke({"seed": 1}, OUTPUT / "starter-model.wav")
    demo.upload(files, folder)
    output = demo.train(epochs or max(3, min(25, CLIPS_TO_TRAIN_ON // len(files))))
    sounds = demo.listen(labels[:MOST_LABELS])
    with demo.step("Draw their spectrograms"):
        draw(sounds, OUTPUT / "spectrograms.png", "Sounds from the endpoint")
    demo.report(sounds, output)


def main() -> None:
    """Parse the command line and run; every expected mistake is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with your sounds")
    parser.add_argument("--epochs", type=int, help="default: what takes about two minutes")
    parser.add_argument("--port", type=int, default=5000, help="of the stand-in; default: 5000")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        sys.exit(f"{options.data} is no folder: --data takes a folder with sounds.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = Demo(Console(highlight=False), options.port)
    try:
        run(demo, options.data, options.epochs)
    except (DemoError, ExecutionFailedError) as error:
        sys.exit(f"error: {error}")
    except ClientError as error:
        sys.exit(f"error: {error.operation_name}: {error.response['Error']['Message']}")
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing keeps running")
    finally:
        demo.stop()


if __name__ == "__main__":
    main()
