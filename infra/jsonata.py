"""Writing JSONata, the state machine's query language, from Python.

Two habits keep the expressions valid wherever they are evaluated: they never use the bare `$` and
`$$`, which Step Functions forbids, and they choose with `? :` where one side would fail, because
`and` and `or` may evaluate both.
"""

import json
from typing import Any


def query(expression: str) -> str:
    """Make `expression` a value in a state's definition."""
    return "{% " + expression.strip() + " %}"


def literal(value: Any) -> str:
    """Write `value` into an expression: JSON is JSONata."""
    return json.dumps(value)


# Any value as JSON text. $string leaves a text bare, except inside a list.
JSON_TEXT = """
$json := function($value) {(
  $listed := $string([$value]);
  $type($value) = 'array' ? $string($value) : $substring($listed, 1, $length($listed) - 2)
)};
"""


def legal_name(name: str) -> str:
    """Write an expression that names what the current state makes: `<name>--<execution>-<hash>`.

    No other stack's name begins so, as a setting `name` has single hyphens only. At most 61
    letters, digits and hyphens, in lower case as SageMaker writes ARNs. An execution
    name may hold 80 characters of nearly any kind; the hash keeps names apart that look the same
    after that, and those of a state that is retried or entered again.
    """
    room = 61 - len(name) - len("--") - len("-12345678")  # of 63; two are left for a retry
    return f"""(
  $state := $states.context.State;
  $plain := $lowercase($replace($states.context.Execution.Name, /[^A-Za-z0-9]+/, '-'));
  $this := $join([
    $states.context.Execution.Id, $state.Name, $state.EnteredTime, $string($state.RetryCount)
  ], ' ');
  '{name}--' & $substring($plain, 0, {room}) & '-' & $substring($hash($this, 'SHA-256'), 0, 8)
)"""
