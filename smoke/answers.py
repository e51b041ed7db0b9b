"""Answers to the questions: yes, no, or why there is none. None of them stops the others."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console

from smoke.account import Account
from smoke.questions import QUESTIONS

LONGEST = 600  # characters of an error; some services answer with a page


class Found(NamedTuple):
    """What a check found; `seconds` if it measured a time."""

    yes: bool
    seen: str
    seconds: float | None = None


class NotAnsweredError(Exception):
    """The question could not be checked; the message says why."""


@dataclass(frozen=True)
class Answer:
    """`verdict` is "yes", "no", "not answered" or "not answered here: …"."""

    verdict: str
    seen: str
    seconds: float | None = None


class Answers:
    """Collects the answers and shows each as it comes."""

    def __init__(self, console: Console, account: Account) -> None:
        self.console = console
        self._account = account
        self.given: dict[str, Answer] = {}

    def ask(self, key: str, check: Callable[[], Found]) -> None:
        """Run the check that answers a question; an error is an answer as well."""
        question = QUESTIONS[key]
        began = time.monotonic()
        try:
            with self.console.status(question.text):
                found = check()
            seconds = time.monotonic() - began if found.seconds is None else found.seconds
            answer = Answer("yes" if found.yes else "no", found.seen, seconds)
        except NotAnsweredError as reason:
            answer = Answer("not answered", str(reason))
        except Exception as error:  # the other questions are paid for and can still be answered
            answer = Answer("not answered", f"{type(error).__name__}: {error}"[:LONGEST])
        if question.only_aws and self._account.stand_in:
            said = answer.verdict if answer.verdict != "not answered" else "nothing"
            answer = Answer(
                f"not answered here: {self._account.stand_in} is not AWS",
                f"there, {said}: {answer.seen}",
                answer.seconds,
            )
        self.given[key] = answer
        self._show(question.text, answer)

    def get(self, key: str) -> Answer:
        """Return the answer to a question, even to one that was never asked."""
        return self.given.get(key, Answer("not answered", "it did not come to that"))

    def all_is_well(self) -> bool:
        """Tell whether every answer is yes; questions that only AWS can answer count only there."""
        return all(
            (answer := self.get(key)).verdict == "yes"
            or answer.verdict.startswith("not answered here")
            for key in QUESTIONS
        )

    def _show(self, text: str, answer: Answer) -> None:
        mark = {"yes": "[green]✓[/]", "no": "[red]✗[/]"}.get(answer.verdict, "[yellow]?[/]")
        seconds = "" if answer.seconds is None else f" [dim]{answer.seconds:.1f} s[/]"
        self.console.print(f"{mark} {text}{seconds}")
        self.console.print(f"  {answer.seen}", style="dim", markup=False, soft_wrap=True)
