"""Deploy a stage of its own, try all of it, remove it: `python -m smoke`.

    export AWS_PROFILE=me AWS_REGION=eu-central-1
    python -m smoke                                # says what it will make and cost, and asks
    python -m smoke --yes --report in-frankfurt.md

The results are in smoke-report.md, a row for each question. Ctrl-C removes what was made.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Confirm

from smoke import plan, report, tour
from smoke.account import Account, AccountError
from smoke.answers import Answers
from smoke.cdk import CDK
from smoke.stage import Stage

REPORT = Path("smoke-report.md")
INSTANCE_TYPES = "ml.m5.large,ml.m5.xlarge,ml.c5.xlarge"


def main() -> None:
    """Confirm, run all checks, clean up, write the report; exit with 1 unless all is well."""
    options = _options()
    console = Console(highlight=False)
    if not CDK.exists():
        sys.exit("error: The CDK's command line is missing: run `make smoke`, which installs it.")
    try:
        account = Account.from_environment()
    except AccountError as error:
        sys.exit(f"error: {error}")
    types = options.instance_types.split(",")
    stage = Stage(account)
    plan.show(console, account, stage.name, types)
    if not options.yes and not _agreed(console):
        sys.exit("Nothing was made.")
    # SIGINT too: Python leaves it ignored where a shell has started this with `&`
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _as_ctrl_c)
    answers = Answers(console, account)
    began = time.monotonic()
    interrupted = False
    try:
        tour.go(stage, answers, types)
    except KeyboardInterrupt:
        interrupted = True
        console.print("interrupted: removing what was made", style="yellow")
    try:
        tour.leave(stage, answers)
    except KeyboardInterrupt:
        sys.exit(f"Left half-way: {stage.by_hand()}")
    finally:
        minutes = (time.monotonic() - began) / 60
        text = report.page(answers, account, minutes, interrupted=interrupted)
        options.report.write_text(text, encoding="utf-8")
        console.print(f"\nwritten to {options.report}", markup=False)
    sys.exit(130 if interrupted else int(not answers.all_is_well()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m smoke",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is made")
    parser.add_argument(
        "--instance-types",
        default=INSTANCE_TYPES,
        metavar="TYPES",
        help="to train on, in this order; default: %(default)s",
    )
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FILE", help="default: %(default)s"
    )
    return parser.parse_args()


def _agreed(console: Console) -> bool:
    if not sys.stdin.isatty():
        sys.exit("error: There is nobody to ask: say --yes to go on without.")
    return Confirm.ask("Go on?", console=console, default=False)


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        main()
    except (ClientError, BotoCoreError) as error:
        sys.exit(f"error: {error}")
