"""What the pages tell readers to type works: every command of theirs is run, as they have it.

They run against one stand-in, that of `make demo`, the README's first, those of each page in a
folder that looks like the repository. Only what takes long is made short (`SHORTER`), what goes on
until Ctrl-C gets one when it answers, and what ends something that other pages need comes last
(`LAST`).
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
import requests
import soundfile
from nbclient import NotebookClient

from client import stand_in
from infra.storage.folders import OUTPUT
from tests.test_docs import PAGES, REPOSITORY

RUN_BY_MAKE = {  # and so by CI; the demo by what make runs for it
    "make",
    "make demo",
    "make lint",
    "make test",
}
PLACES = {"/path/to/sounds": "../sounds", "../free-spoken-digit-dataset": "../dataset"}
FEW_EPOCHS = "--epochs 1 --quality draft --evaluation-sounds 0 --vocoder false"
SHORTER = {
    "train --watch": "train --set evaluation_sounds=0 --quality draft "
    "--set epochs=1 --set vocoder=false --watch",
    "--data digits --model-dir starter": f"--data digits --model-dir starter {FEW_EPOCHS}",
    "-n 32": "-n 2",
    "studio --port 9000 --no-open": "studio --port 9000",
}
UNTIL_CTRL_C = re.compile(r"soundvae .*\bstudio\b|tensorboard ")
ADDRESS = re.compile(r"http://\S+")
LAST = ("soundvae --name test destroy --yes", "soundvae down")  # other pages need what these end
LABELS = {"kick": 90, "snare": 700, "hat": 2500, "seven": 200, "three": 300}  # and their Hz
PATIENCE = 600  # seconds; of a busy machine


def blocks(page: str, language: str) -> list[str]:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """What a reader types, one command each; all up to the end of a loop is one."""
    found = []
    for block in blocks(page, "sh"):
        plain = re.sub(r"[ \t]+# .*$", "", block.replace("\\\n", " "), flags=re.MULTILINE)
        loop, end, rest = plain.rpartition("\ndone\n")
        found += [loop + end] if end else []
        found += [" ".join(line.split()) for line in rest.splitlines() if line.strip()]
    return found


def shell_pages() -> list[str]:
    first = "README.md"
    return [first, *(page for page in PAGES if page != first and blocks(page, "sh"))]


class Reader:
    """Somebody who types what the pages say, in a folder of theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.here = folder
        tools = [Path(sys.executable).parent, REPOSITORY / "node_modules" / ".bin"]
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, tools), os.environ["PATH"]]),
            "SOUNDVAE_STAND_IN": str(folder / "stand-in"),
            "SOUNDVAE_LOCAL": "1",
            "BROWSER": "true",  # nothing opens
            "PYTHONPATH": str(REPOSITORY / "training"),
        }
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            self.environment.pop(name, None)

    def opens(self, page: str) -> Path:
        """Go to a folder for the commands of this page."""
        folder = self.folder / page.replace("/", "-")
        if not folder.exists():
            starter = folder / "infra" / "starter"
            starter.mkdir(parents=True)
            (folder / "training").symlink_to(REPOSITORY / "training")
            (starter / "pack.py").symlink_to(REPOSITORY / "infra/starter/pack.py")
            shutil.copy(REPOSITORY / "infra/starter/model.tar.gz", starter)
        self.here = folder
        return folder

    def types(self, command: str) -> str:
        """Run a command; give what it printed. It must succeed."""
        for written, meant in (PLACES | SHORTER).items():
            command = command.replace(written, meant)
        command = self._with_names(command)
        if UNTIL_CTRL_C.match(command):
            return self._interrupted(command)
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if re.search(r"soundvae (--\S+ )*up", command):
            self.environment |= stand_in.environment(self.folder / "stand-in")
        return done.stdout

    def _with_names(self, command: str) -> str:
        """Put what a deployment printed where a page has a placeholder."""
        if "BUCKET" not in command:
            return command
        s3 = subprocess.run(
            ["bash", "-ec", "aws s3api list-buckets --query 'Buckets[].Name' --output text"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        [bucket] = [name for name in s3.stdout.split() if name.startswith("soundvae-data")]
        listing = subprocess.run(
            ["bash", "-ec", f"aws s3 ls s3://{bucket}/{OUTPUT}"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        job = re.findall(r"PRE (\S+)/", listing.stdout)[0]
        return command.replace("BUCKET", bucket).replace("JOB", job)

    def _interrupted(self, command: str) -> str:
        """Let it run until what it serves answers; end it as Ctrl-C does."""
        program = subprocess.Popen(
            ["bash", "-ec", f"exec {command}"],
            cwd=self.here,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # pytest in the background of a shell has it ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert program.stdout
        said = ""
        try:
            for line in program.stdout:
                said += line
                if found := ADDRESS.search(said):
                    break
            else:
                pytest.fail(f"{command}\n{said}")
            assert requests.get(found[0].rstrip(".,"), timeout=PATIENCE).status_code == 200
        finally:
            program.send_signal(signal.SIGINT)
            try:
                program.communicate(timeout=PATIENCE)
            finally:
                program.kill()
        return said


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    rng = np.random.default_rng(0)
    time_ = np.arange(2400) / 8000
    # those that the pages ask for, before and after a training
    for label, hertz in LABELS.items():
        (folder / "sounds" / label).mkdir(parents=True)
        for number in range(5):
            wave = np.sin(2 * np.pi * hertz * (1 + 0.1 * rng.random()) * time_) * np.exp(-8 * time_)
            soundfile.write(folder / "sounds" / label / f"{number}.wav", wave / 2, 8000)
    recordings = folder / "dataset" / "recordings"
    recordings.mkdir(parents=True)
    for digit in (3, 7):
        for take in range(6):
            wave = 0.5 * np.sin(2 * np.pi * (100 * digit + take) * time_)
            soundfile.write(recordings / f"{digit}_somebody_{take}.wav", wave, 8000)
    reader = Reader(folder)
    for block in blocks("docs/continuous_deployment.md", "json"):
        name = "trust" if "AssumeRoleWithWebIdentity" in block else "permissions"
        (reader.opens("docs/continuous_deployment.md") / f"{name}.json").write_text(block)
    yield reader
    stand_in.down(folder / "stand-in")


def test_every_command_of_the_pages_works(reader: Reader) -> None:
    demo(reader)
    typed: list[str] = []
    for page in shell_pages():
        folder = reader.opens(page)
        for command in commands(page):
            local = command.replace("--local ", "")
            if command in (*RUN_BY_MAKE, *LAST) or local in typed:
                continue
            started = time.monotonic()
            said = reader.types(command)
            assert "--watch" not in command or "epoch 1/1" in said  # as the job's log has told
            typed.append(local)
            print(f"{time.monotonic() - started:5.1f} s  {page}: {command}")
        if page == "README.md":
            assert {"seven.wav", "first", "kicks", "my-kit"} <= {f.name for f in folder.iterdir()}
    assert len(typed) > 20
    assert set(LAST) <= {command for page in shell_pages() for command in commands(page)}
    python_of_the_pages(reader)
    notebook(reader)
    for command in LAST:
        reader.types(command)


def demo(reader: Reader) -> None:
    """As `make demo KEEP=1` runs it, with a few sounds."""
    output = reader.folder / "demo-output"
    output.mkdir()
    (output / "earlier.wav").touch()
    data = f"--data {reader.folder}/sounds --epochs 1 --output {output} --keep"
    said = reader.types(f"cd {REPOSITORY} && python -m demo {data}")
    ran = [line.split()[2] for line in said.splitlines() if line.startswith("$ soundvae ")]
    assert ran == ["up", "deploy", "say", "upload", "train", "say", "report"]
    assert not (output / "earlier.wav").exists()
    assert (output / "report" / "report.html").stat().st_size > 1000
    labels = {file.stem.rpartition("-")[0] for file in output.glob("*.wav")}
    assert labels == set(LABELS), "the new model is served, for no other knows all of these"
    assert (output / "spectrograms.png").exists()


def python_of_the_pages(reader: Reader) -> None:
    imports = "import json\nfrom pathlib import Path\nimport boto3, botocore.exceptions\n"
    folder = reader.opens("README.md")
    (folder / "seven.wav").unlink(missing_ok=True)
    call, model = blocks("README.md", "python")
    (folder / "call.py").write_text(imports + call)
    (folder / "model.py").write_text(imports + model)
    assert reader.types("python call.py").startswith('400 label is "cowbell": it must be one of ')
    reader.types("python model.py")
    assert (folder / "seven.wav").read_bytes()[:4] == b"RIFF"


def notebook(reader: Reader) -> None:
    """It finds the job that the pages' commands have started, and starts one like it."""
    cells = nbformat.read(REPOSITORY / "docs/notebook.ipynb", nbformat.NO_CONVERT)
    kernel = NotebookClient(cells, timeout=PATIENCE, kernel_name="python3")
    kernel.execute(cwd=str(REPOSITORY / "docs"), env=reader.environment)
    shown = [output for cell in cells.cells for output in cell.get("outputs", ())]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds  # a player, a picture
    assert any("reconstruction_db" in output.get("text", "") for output in shown)
