"""What Locust's callers ask: each sound once in a while again, and every answer is checked.

Run by `trust.load` as a locustfile: more callers step by step, each step named by their number.
"""

import json
import os
import random
import threading
from typing import Any

from locust import HttpUser, LoadTestShape, task

STEPS = [int(number) for number in os.environ.get("TRUST_STEPS", "1").split()]
STEP_SECONDS = float(os.environ.get("TRUST_STEP_SECONDS", "1"))
LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SEEDS = 20

heard: dict[tuple[str, int], str] = {}  # the sound of a label and a seed
lock = threading.Lock()


class Steps(LoadTestShape):
    """So many callers for so long."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many callers there are to be now, and how fast to get there."""
        step = int(self.get_run_time() / STEP_SECONDS)
        return (STEPS[step], STEPS[step]) if step < len(STEPS) else None


class Caller(HttpUser):
    """Asks for one sound after another."""

    @task
    def ask(self) -> None:
        """Ask for a sound; the answer is to be of that label and seed, and always the same."""
        label, seed = random.choice(LABELS), random.randrange(SEEDS)
        callers = self.environment.runner.target_user_count if self.environment.runner else 0
        with self.client.post(
            "/invocations",
            json={"label": label, "seed": seed},
            name=str(callers),
            catch_response=True,
        ) as answer:
            problem = mistake(label, seed, answer)
            if problem:
                answer.failure(problem)


def mistake(label: str, seed: int, answer: Any) -> str:
    """Say what is wrong with an answer; empty: nothing."""
    if answer.status_code != 200:
        return f"{answer.status_code}: {answer.text[:100]}"
    (sound,) = json.loads(answer.text)["sounds"]
    if (sound["label"], sound["seed"]) != (label, seed):
        return "the answer to another question"
    with lock:
        known = heard.setdefault((label, seed), sound["wav"])
    return "" if known == sound["wav"] else "another sound than the last time"
