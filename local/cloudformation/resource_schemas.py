"""AWS's own schemas of CloudFormation's resource types, as cfn-lint carries them."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _schemas() -> tuple[Path, dict[str, str]]:
    # found without importing cfn-lint, which takes seconds
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ImportError("cfn-lint is not installed: it is in requirements-dev.txt")
    folder = Path(spec.origin).parent / "data" / "schemas"
    return folder / "resources", json.loads((folder / "providers/us-east-1.json").read_text())


@cache
def create_only(resource_type: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths of the properties whose change makes AWS replace a resource of this type."""
    folder, files = _schemas()
    if resource_type not in files:
        return ()
    schema = json.loads((folder / f"{files[resource_type]}.json").read_text())
    paths = schema.get("createOnlyProperties", []) + schema.get(
        "conditionalCreateOnlyProperties", []
    )
    return tuple(tuple(path.split("/")[2:]) for path in paths)


def _at(properties: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


def is_replaced(resource_type: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether a change of the properties `before` to `after` makes a new resource."""
    return any(_at(before, path) != _at(after, path) for path in create_only(resource_type))
