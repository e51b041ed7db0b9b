"""Reads a state machine's definition: `NAME.asl.yaml`, with its expressions in `queries/`.

The files are Amazon States Language, as AWS's documentation and Workflow Studio write it.
`${Name}` stands for a value that is known at synth: alone it may be of any type, and where it is
`None` its key is left out; inside a text it is written as it is, or as JSON, which is JSONata.
`${name.jsonata}` stands for the expression in that file, which is filled in likewise.

Two habits keep the expressions valid wherever they are evaluated: they never use the bare `$` and
`$$`, which Step Functions forbids, and they choose with `? :` where one side would fail, because
`and` and `or` may evaluate both.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
QUERIES = FOLDER / "queries"
_NAME = re.compile(r"\$\{([A-Za-z_]+(?:\.jsonata)?)\}")

Values = Mapping[str, Any]


def definition(name: str, values: Values) -> dict[str, Any]:
    """Return the state machine `name.asl.yaml`, filled in.

    Raises KeyError for a `${Name}` that is not in `values`.
    """
    text = (FOLDER / f"{name}.asl.yaml").read_text(encoding="utf-8")
    filled: dict[str, Any] = _filled(yaml.safe_load(text), values)
    return filled


def expression(name: str, values: Values) -> str:
    """Return the expression in `queries/name.jsonata`, filled in."""
    return _text((QUERIES / f"{name}.jsonata").read_text(encoding="utf-8").strip(), values)


def _filled(node: Any, values: Values) -> Any:
    if isinstance(node, dict):
        items = {key: _filled(item, values) for key, item in node.items()}
        return {key: item for key, item in items.items() if item is not None}
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if not isinstance(node, str):
        return node
    alone = _NAME.fullmatch(node)
    return values[alone[1]] if alone else _text(node, values)


def _text(text: str, values: Values) -> str:
    def written(match: re.Match[str]) -> str:
        name = match[1]
        if name.endswith(".jsonata"):
            return expression(name.removesuffix(".jsonata"), values)
        value = values[name]
        return value if isinstance(value, str) else json.dumps(value)

    return _NAME.sub(written, text)
