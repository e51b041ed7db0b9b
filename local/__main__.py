"""Run the stand-in for AWS until Ctrl-C: `python -m local [--port 5001]`.

It prints the environment variables with which the AWS command line, boto3 and the CDK use it:

    python -m local &
    export AWS_ENDPOINT_URL=http://localhost:5000 …
    cdk bootstrap && cdk deploy
    aws s3 cp seven.wav s3://…/audio/
"""

import argparse
import os
import signal
import sys
import threading
from typing import Any

from local import faults, server
from local.aws_environment import operator_environment

READY = "the stand-in for AWS is ready"


def main() -> None:
    """Serve until the program is ended."""
    parser = argparse.ArgumentParser(
        prog="python -m local", description="AWS on this machine, for trying Sound VAE."
    )
    parser.add_argument("--port", type=int, help="default: the first free one from 5000 on")
    parser.add_argument("--region", default="us-east-1", help="default: us-east-1")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND=VALUE",
        help="let something go wrong, such as no-quota=ml.g5.xlarge (all: local/faults.py)",
    )
    options = parser.parse_args()
    try:
        faults.add(options.fault)
        url = server.start(options.port)
    except (server.PortInUseError, ValueError) as error:
        sys.exit(str(error))
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "local":
            raise
        sys.exit(
            f"{error.name} is missing or too old for {sys.executable}: run `make synth` once, "
            "which sets .venv up, then `. .venv/bin/activate`."
        )
    environment = operator_environment(url, options.region)
    os.environ.update(environment)  # what the stand-in makes for a template, it makes as the owner
    for name, value in environment.items():
        print(f"export {name}={value}")
    print(f"# {READY}; Ctrl-C ends it, and every job and endpoint with it", flush=True)
    ended = threading.Event()

    def end(*_: Any) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
