"""Shares the tests out among processes: a file goes to one of them, and all scenarios to one."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/local/scenarios/"
"""What one of these leaves behind is what the next one finds."""

LONG = (
    TOGETHER,
    "tests/test_commands.py",
    "tests/smoke/",
    "tests/local/test_end_to_end.py",
    "tests/demo/",
    "tests/training/data/test_memory.py",
    "tests/training/fit/",
)
"""These begin first: at the end, one alone would keep an idle process waiting."""


class ByFile(LoadScopeScheduling):
    """Tests of a file stay together, as they share what its fixtures have made."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return TOGETHER if file.startswith(TOGETHER) else file


def pytest_xdist_make_scheduler(config: Any, log: Any) -> ByFile:
    config.option.loadscopereorder = False  # or those come first that are many, however quick
    return ByFile(config, log)


def pytest_collection_modifyitems(config: Any, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of several processes
        rank = {folder: number for number, folder in enumerate(LONG)}

        def key(item: pytest.Item) -> int:
            begins = (rank[folder] for folder in LONG if item.nodeid.startswith(folder))
            return next(begins, len(LONG))

        items.sort(key=key)
