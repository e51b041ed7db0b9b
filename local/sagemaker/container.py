"""The managed TensorFlow serving container: its processes, and who starts them again.

`python -m local.sagemaker.container DIR`; DIR is an unpacked model.tar.gz. As in SageMaker's
container 2.20, TensorFlow Serving's REST API listens on one port; in front of it gunicorn, with one
gevent worker, answers /ping and /invocations with DIR/code/inference.py. One that ends is started
again. Of the container's nginx, which only hands requests on, there is nothing.

With `--read-only`, as on a serverless endpoint, inference.py may write to the temporary folder
alone.

Prints `ready http://127.0.0.1:PORT` when both answer.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from local.sagemaker.ports import free_ports
from local.sagemaker.python_service import MODEL_NAME, READY

REPOSITORY = Path(__file__).parents[2]
SERVING_ENVIRONMENT = Path(
    os.environ.get("SOUND_VAE_SERVING_ENVIRONMENT", REPOSITORY / ".venv-serving")
)
"""The virtual environment that holds what the serving image holds (local/serving-image.txt)."""

LOOK_SECONDS = 0.1


class Container:
    """TensorFlow Serving and the Python service, each a process."""

    def __init__(self, model_dir: Path, read_only: bool) -> None:
        python = SERVING_ENVIRONMENT / "bin" / "python"
        if not python.exists():
            sys.exit(
                f"{SERVING_ENVIRONMENT} does not hold what the serving image holds: `make demo` "
                "and `make test` set it up from local/serving-image.txt."
            )
        serving, service = free_ports(2)
        self.url = f"http://127.0.0.1:{service}"
        uri = f"http://127.0.0.1:{serving}/v1/models/{MODEL_NAME}:predict"
        package = "local.sagemaker"
        self.commands: dict[int, list[str]] = {
            serving: [sys.executable, "-m", f"{package}.tensorflow_serving", str(model_dir)],
            service: [str(python), "-m", f"{package}.python_service", str(model_dir), uri],
        }
        for port, command in self.commands.items():
            command.append(str(port))
        if read_only:
            self.commands[service].append("--read-only")
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start both; end this program if one does not come up."""
        for port, command in self.commands.items():
            self.running[port] = subprocess.Popen(command)
        for port, process in self.running.items():
            while not _listens(port):
                if process.poll() is not None:
                    self.stop()
                    sys.exit(process.returncode or 1)
                time.sleep(LOOK_SECONDS)

    def watch(self) -> None:
        """Start again whichever ends, until the program is gone that has started this one."""
        parent = os.getppid()
        while os.getppid() == parent:
            for port, process in self.running.items():
                if process.poll() is not None:
                    command = self.commands[port]
                    print(f"unexpected exit ({process.returncode}) of {command[2]}: restarting")
                    self.running[port] = subprocess.Popen(command)
            time.sleep(LOOK_SECONDS)
        self.stop()

    def stop(self) -> None:
        """End both."""
        for process in self.running.values():
            process.kill()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main() -> None:
    """Serve the model until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.sagemaker.container")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--read-only", action="store_true")
    options = parser.parse_args()
    container = Container(options.model_dir, options.read_only)
    container.start()
    print(f"{READY}{container.url}", flush=True)
    container.watch()


if __name__ == "__main__":
    main()
