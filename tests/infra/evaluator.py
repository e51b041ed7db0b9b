"""The state machine's expressions, evaluated the way Step Functions does, with no state machine."""

import hashlib
import json
from typing import Any

import jsonata


class QueryError(Exception):
    """The expression is wrong or returned nothing, which ends an execution on AWS."""


def evaluate(expression: str, **variables: Any) -> Any:
    """The value of `{% ... %}`; `states=` becomes `$states`, other names the assigned variables."""
    assert expression[:3] + expression[-3:] == "{%  %}", expression
    # as literals, so that null is null: Python's None would be "nothing"
    declared = "".join(f"${name} := {json.dumps(value)};" for name, value in variables.items())
    compiled = jsonata.Jsonata(f"({declared}{expression[3:-3]})")
    compiled.register_lambda("hash", _hash)
    compiled.register_lambda("parse", json.loads)
    try:
        result = compiled.evaluate(None)
    except Exception as error:
        raise QueryError(str(error)) from error
    if result is None:
        raise QueryError("the expression returned nothing")
    return json.loads(json.dumps(result))


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()
