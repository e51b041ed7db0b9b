"""An execution, watched from its start to its end."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from smoke.stage import POLL_SECONDS, Stage

LONGEST_SECONDS = 2 * 3600  # then it is given up


class Execution:
    """`history` holds its events; `ended` DescribeExecution's answer when it has ended."""

    def __init__(self, stage: Stage, request: dict[str, Any]) -> None:
        self._stage = stage
        self.arn = stage.start(request)
        self.history: list[dict[str, Any]] = []
        self.ended: dict[str, Any] = {}

    def follow(self, seen: Callable[["Execution"], object] = lambda _: None) -> "Execution":
        """Wait for the end; call `seen` after each look. Raises TimeoutError."""
        self._wait(lambda: bool(self.ended), seen, POLL_SECONDS)
        return self

    def wait_for(self, state: str) -> None:
        """Wait until it has entered a state, or has ended. Raises TimeoutError."""
        self._wait(
            lambda: bool(self.ended) or self.entered(state) is not None,
            lambda _: None,
            POLL_SECONDS / 4,  # what follows is a matter of seconds
        )

    def _wait(
        self, over: Callable[[], bool], seen: Callable[["Execution"], object], pause: float
    ) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while True:
            self._look()
            seen(self)
            if over():
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.arn} still runs after {LONGEST_SECONDS} s")
            time.sleep(pause)

    def _look(self) -> None:
        api = self._stage.client("stepfunctions")
        answer = api.describe_execution(executionArn=self.arn)
        pages = api.get_paginator("get_execution_history")
        self.history = [
            event
            for page in pages.paginate(executionArn=self.arn, maxResults=1000)
            for event in page["events"]
        ]
        if answer["status"] != "RUNNING":
            self.ended = answer

    @property
    def output(self) -> dict[str, Any]:
        """The output of one that has succeeded; raises ValueError with the reason of another."""
        if self.ended["status"] != "SUCCEEDED":
            raise ValueError(self.sentence)
        output: dict[str, Any] = json.loads(self.ended["output"])
        return output

    @property
    def sentence(self) -> str:
        """Status, error and cause."""
        parts = [self.ended.get(part, "") for part in ("status", "error", "cause")]
        return ": ".join(part for part in parts if part)

    def entered(self, state: str) -> datetime | None:
        """Return when it first entered a state."""
        return self._when("stateEnteredEventDetails", state)

    def left(self, state: str) -> datetime | None:
        """Return when it first left a state."""
        return self._when("stateExitedEventDetails", state)

    def _when(self, details: str, state: str) -> datetime | None:
        for event in self.history:
            if event.get(details, {}).get("name") == state:
                moment: datetime = event["timestamp"]
                return moment
        return None

    def seconds_in(self, state: str) -> float | None:
        """Return the seconds from entering a state to leaving it."""
        entered, left = self.entered(state), self.left(state)
        return (left - entered).total_seconds() if entered and left else None

    def failures(self, word: str = "") -> list[str]:
        """List the causes of failed tasks in which the word is found."""
        causes = [
            details.get("error", "") + ": " + details.get("cause", "")
            for event in self.history
            for key, details in event.items()
            if key in ("taskFailedEventDetails", "taskSubmitFailedEventDetails")
        ]
        return [cause for cause in causes if word in cause]

    def jobs(self) -> list[str]:
        """Name the training jobs that it asked for, oldest first."""
        return [
            json.loads(details["parameters"])["TrainingJobName"]
            for event in self.history
            if (details := event.get("taskScheduledEventDetails", {}))
            .get("resource", "")
            .startswith("createTrainingJob")
        ]

    @property
    def stopped_at(self) -> datetime:
        """When it ended."""
        moment: datetime = self.ended["stopDate"]
        return moment.astimezone(UTC)
