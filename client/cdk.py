"""The CDK's own command line, with this project's app."""

import os
import sys
import tempfile
from pathlib import Path

from client import programs
from client.failure import Failure
from client.stack import Connection

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = REPOSITORY / "node_modules" / ".bin" / "cdk"
BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"


def bootstrap(connection: Connection) -> bool:
    """Prepare the account and region for the CDK unless they are; whether they had to be."""
    ssm = connection.client("ssm")
    try:
        ssm.get_parameter(Name=BOOTSTRAP_VERSION)
    except ssm.exceptions.ParameterNotFound:
        account = connection.client("sts").get_caller_identity()["Account"]
        with tempfile.TemporaryDirectory() as elsewhere:
            # in a folder without an app, or it would be synthesised for nothing
            where = f"aws://{account}/{connection.session.region_name}"
            _run(connection, Path(elsewhere), "bootstrap", where)
        return True
    return False


def deploy(connection: Connection, settings: list[str]) -> None:
    """Deploy the stage with these settings, `name=value`, and those of cdk.json."""
    context = _context(connection, settings)
    _with_app(connection, "deploy", "--require-approval", "never", *context)


def destroy(connection: Connection, settings: list[str]) -> None:
    """Remove the stage's stack."""
    _with_app(connection, "destroy", "--force", *_context(connection, settings))


def _with_app(connection: Connection, *arguments: str) -> None:
    """Run a command on this project's app, which no other one that runs beside it disturbs."""
    # two commands of the CDK refuse to share cdk.out, and each deploys what it has synthesised
    with tempfile.TemporaryDirectory() as assembly:
        _run(connection, REPOSITORY, *arguments, "--output", assembly)


def _context(connection: Connection, settings: list[str]) -> list[str]:
    chosen = (f"name={connection.name}", *settings)
    for one in chosen:
        if "=" not in one:
            raise Failure(
                f"{one!r} is no setting: write name=value, as in alarm_email=you@example.com."
            )
    return [part for one in chosen for part in ("--context", f"sound-vae:{one}")]


def _run(connection: Connection, folder: Path, *arguments: str) -> None:
    if not COMMAND.exists():
        raise Failure("The CDK's command line is missing: run `make`, which says how it is made.")
    if connection.profile:
        arguments += ("--profile", connection.profile)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "AWS_REGION": connection.session.region_name or "",
        "CDK_DEFAULT_REGION": connection.session.region_name or "",
    }
    program = programs.start([COMMAND, *arguments, "--no-notices", "--ci"], folder, environment)
    try:
        said = list(programs.lines(program))
        if program.wait():
            raise Failure(f"cdk {arguments[0]} failed:\n" + "\n".join(said))
    finally:
        programs.stop(program)
