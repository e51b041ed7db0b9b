"""The size of data: 256 KiB of JSON in UTF-8 for a state's input, arguments, result and output.

moto counts a text without its quotes, every non-ASCII letter as six bytes, and looks neither at
arguments nor at variables.
"""

import json
from typing import Any

from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from local.states.state_errors import TOO_LARGE, failed

MOST_BYTES = 262_144
MOST_BYTES_OF_VARIABLES = 10 * 1024 * 1024  # all that an execution keeps


def size(value: Any) -> int:
    """Return the bytes of a value's JSON; times and the like as Step Functions writes them."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except TypeError:
        text = to_json_str(value, separators=(",", ":"))
    return len(text.encode())


def is_within(value: Any) -> bool:
    """Tell whether a value may pass between states."""
    return size(value) <= MOST_BYTES


def require(env: Any, value: Any, what: str) -> None:
    """Raise States.DataLimitExceeded where a value is too large; `what` begins the sentence."""
    if not is_within(value):
        limit = "with a size exceeding the maximum number of bytes service limit."
        raise failed(env, TOO_LARGE, f"{what} {limit}")


def install() -> None:
    """Replace moto's measure with this one."""
    state.is_within_size_quota = is_within
    state_task_service.is_within_size_quota = is_within
