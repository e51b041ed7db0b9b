"""The steps of the demo; each is shown while it runs, and then how long it took."""

import io
import json
import os
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo import programs
from demo.following import Epoch, State, follow

REPOSITORY = Path(__file__).parents[1]
OUTPUT = REPOSITORY / "demo-output"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "SoundVae"
VARIABLE = re.compile(r"export (\w+)=(.*)")
READY = "# the stand-in for AWS is ready"
"""What `python -m local` prints last, after the variables that point AWS's tools at it."""


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


class Demo:
    """One run of the demo."""

    def __init__(self, console: Console, port: int) -> None:
        self.console = console
        self.port = port
        self.seconds: dict[str, float] = {}
        self.outputs: dict[str, str] = {}
        self._stand_in: programs.Program | None = None

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
            self._stand_in = programs.start(command, REPOSITORY)
            last = ""
            for line in programs.lines(self._stand_in):
                if line.startswith(READY):
                    return
                if variable := VARIABLE.fullmatch(line):
                    os.environ[variable[1]] = variable[2]
                last = line or last
            raise DemoError(last)

    def stop(self) -> None:
        """End the stand-in with every job and endpoint."""
        if self._stand_in:
            programs.stop(self._stand_in, patience_seconds=15)

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
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "CDK_DISABLE_VERSION_CHECK": "1",
        }
        cdk = programs.start([CDK, *arguments, "--no-notices", "--ci"], folder, environment)
        try:
            said = "\n".join(programs.lines(cdk))
            if cdk.wait():
                raise DemoError(f"cdk {arguments[0]} failed:\n{said}")
        finally:
            programs.stop(cdk)

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
            events = follow(
                execution["executionArn"], self.client("stepfunctions"), self.client("logs")
            )
            for event in events:
                if isinstance(event, State):
                    indent = "  " * (event.depth + 1)
                    progress.console.print(f"{indent}[dim]state[/] {event.name}")
                    progress.update(task, description=event.name)
                elif isinstance(event, Epoch):
                    loss = event.figures.get("val_loss", float("nan"))
                    progress.update(
                        task,
                        description="Training",
                        completed=event.number,
                        figures=f"epoch, val_loss {loss:.3f}",
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

    def listen(self, labels: list[str], promoted: bool) -> dict[str, Path]:
        """Ask the endpoint for a sound of each label; return the files by their names.

        Asks for five sounds of any label if there are none, or if the starter, which has others, is
        still served.
        """
        if not promoted:
            labels = []
        sounds = {}
        serves = "the new model" if promoted else "still the starter model"
        with self.step(f"Invoke the endpoint, which serves {serves}"):
            for number, label in enumerate(labels or [f"sound {n + 1}" for n in range(5)]):
                request = {"label": label, "seed": number} if labels else {"seed": number}
                file = OUTPUT / f"{label.replace(' ', '-').replace('/', '-')}.wav"
                self.invoke(request, file)
                sounds[label] = file
        return sounds

    def fetch_report(self, url: str) -> None:
        """Write the run's report: a page with figures, curve and sounds."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            archive.extract("report.html", OUTPUT, filter="data")

    def summarise(self, output: dict[str, Any]) -> None:
        """Print what was written, how long each part took, and what is served now."""
        written = Table("written to demo-output/", "", box=None, pad_edge=False)
        for file in sorted(OUTPUT.iterdir()):
            written.add_row(file.name, f"{file.stat().st_size / 1024:.0f} KB")
        times = Table("part", "seconds", box=None, pad_edge=False)
        for title, seconds in self.seconds.items():
            times.add_row(title, f"{seconds:.1f}")
        times.add_row("all", f"{sum(self.seconds.values()):.1f}")
        self.console.print("", written, "", times, "")
        if metrics := output.get("metrics"):
            figures = Table("figure of the new model", "", box=None, pad_edge=False)
            for name, value in metrics.items():
                figures.add_row(name, f"{value:.3g}")
            self.console.print(figures, "")
        for warning in [*output.get("warnings", []), *output.get("data", {}).get("warnings", [])]:
            self.console.print(f"Warning: {warning}", markup=False, soft_wrap=True)
        served = "Served now" if output["promoted"] else "Trained, but not served"
        self.console.print(f"{served}: {output['model']}", markup=False, soft_wrap=True)
        self.console.print(f"Why: {output['why']}", markup=False, soft_wrap=True)
