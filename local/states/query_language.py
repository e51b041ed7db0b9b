"""JSONata as Step Functions evaluates it: the language itself, $hash and $parse.

moto expects a Java virtual machine here, writes strings into the expression without escaping them,
and lacks $hash.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils

HASHES = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


class QueryError(Exception):
    """An expression that cannot be evaluated, or that evaluates to nothing."""


def hash_of(value: Any, algorithm: str) -> str:
    """$hash: the digest of a value in hexadecimal digits."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return HASHES[algorithm](text.encode()).hexdigest()


FUNCTIONS = {"hash": hash_of, "parse": json.loads}
"""Those of Step Functions' own functions that are implemented here."""


def _with_nulls(value: Any) -> Any:
    """Mark JSON's null, which is a value, apart from Python's None, which means nothing there."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, Mapping):
        return {key: _with_nulls(item) for key, item in value.items()}
    return [_with_nulls(item) for item in value] if isinstance(value, list) else value


def _as_json(value: Any) -> Any:
    """Return plain JSON data; 3.0 is 3, as there is one kind of number."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise QueryError("it evaluates to a function, which is no JSON")


_one_at_a_time = threading.Lock()  # a parsed expression keeps what it is evaluating


@lru_cache(maxsize=1000)
def _parsed(expression: str) -> Jsonata:
    """Parse an expression once: that takes most of the time of evaluating a long one."""
    query = Jsonata(expression)
    query.set_output_convert_nulls(False)
    for name, function in FUNCTIONS.items():
        query.register_lambda(name, function)
    return query


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Evaluate what stands between {% and %}; `variables` are `states` and the assigned ones.

    Raises `QueryError` if the expression is wrong or its result is undefined.
    """
    try:
        bound = {name: _with_nulls(value) for name, value in variables.items()}
        with _one_at_a_time:
            query = _parsed(expression)
            Jsonata.CURRENT.jsonata = query  # else $millis and $now tell another's time
            result = query.evaluate(None, bound)
        if result is None:
            raise QueryError("it returned nothing (undefined)")
        return _as_json(result)
    except Exception as error:
        message = f"The JSONata expression '{expression}' cannot be evaluated: {error}"
        raise QueryError(message) from error
