"""The state machine's expressions, evaluated the way Step Functions does, with no state machine."""

import hashlib
import json
from functools import lru_cache
from typing import Any

import jsonata
from jsonata.utils import Utils


class QueryError(Exception):
    """The expression is wrong or returned nothing, which ends an execution on AWS."""


def evaluate(expression: str, **variables: Any) -> Any:
    """The value of `{% ... %}`; `states=` becomes `$states`, other names the assigned variables."""
    assert expression[:3] + expression[-3:] == "{%  %}", expression
    try:
        bound = {name: _with_nulls(value) for name, value in variables.items()}
        query = _compiled(expression[3:-3])
        jsonata.Jsonata.CURRENT.jsonata = query  # whose time $millis tells
        result = query.evaluate(None, bound)
    except Exception as error:
        raise QueryError(str(error)) from error
    if result is None:
        raise QueryError("the expression returned nothing")
    return json.loads(json.dumps(_plain(result)))


@lru_cache(maxsize=500)
def _compiled(expression: str) -> jsonata.Jsonata:
    compiled = jsonata.Jsonata(expression)
    compiled.set_output_convert_nulls(False)
    compiled.register_lambda("hash", _hash)
    compiled.register_lambda("parse", json.loads)
    return compiled


def _with_nulls(value: Any) -> Any:
    """Mark JSON's null apart from Python's None, which is "nothing" to the library."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    return [_with_nulls(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()
