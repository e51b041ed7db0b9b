"""The report of the smoke test: a row for each question."""

import subprocess
from datetime import UTC, datetime

from smoke.account import Account
from smoke.answers import Answers
from smoke.cdk import REPOSITORY
from smoke.questions import QUESTIONS


def page(answers: Answers, account: Account, minutes: float, *, interrupted: bool) -> str:
    """Write the page, in Markdown; the account's number does not appear in it."""
    where = account.stand_in or f"AWS, region {account.region}"
    lines = [
        "# What the smoke test saw",
        "",
        f"{where}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, "
        f"{minutes:.0f} minutes.",
    ]
    if account.stand_in:
        lines += [
            "",
            "**This was not AWS.** What only AWS can tell is not answered here, whatever the "
            "stand-in said.",
        ]
    if interrupted:
        lines += ["", "**It was interrupted**, and what had been made was removed."]
    lines += ["", "| question | answer | seconds | what was seen |", "|---|---|---:|---|"]
    for key, question in QUESTIONS.items():
        answer = answers.get(key)
        seconds = "" if answer.seconds is None else f"{answer.seconds:.1f}"
        cells = (question.text, answer.verdict, seconds, answer.seen)
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    lines += [
        "",
        "Seconds: what the answer measures, otherwise how long it took to find out. (Written by "
        "`make smoke`.)",
        "",
    ]
    return "\n".join(lines).replace(account.number, "<account>")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")


def _commit() -> str:
    git = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(git, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        return "unknown"
    return done.stdout.strip()
