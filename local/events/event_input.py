"""What EventBridge sends to a target: the event, a part of it, or the result of a template.

As recorded on AWS (LocalStack's test_events_inputs.snapshot.json): a variable outside quotes
becomes JSON, one inside quotes becomes text that nobody escapes ("EventBridge does not escape
values extracted by Input Path when populating the Input Template"), a missing one becomes nothing,
and a result that is not JSON is not delivered.
"""

import json
import re
from typing import Any


class NotDeliveredError(Exception):
    """The target gets nothing; says why."""


def _find(path: str, event: dict[str, Any]) -> Any:
    """Return what a path such as `$.resources[0]` names, or None.

    EventBridge's paths are names and indexes; a JSONPath library would take more than it does.
    """
    value: Any = event
    for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        try:
            value = value[int(index)] if index else value[key]
        except (IndexError, KeyError, TypeError):
            return None
    return value


def _in_quotes(value: Any, in_text: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace('"', "") if in_text else text


def fill_in(template: str, values: dict[str, Any]) -> str:
    """Return a template with its `<variables>` replaced. Raises `NotDeliveredError`."""
    is_text = not template.lstrip().startswith(("{", "["))
    result, quoted, position = [], False, 0
    for match in re.finditer(r'\\.|"|<([A-Za-z0-9_.-]+)>', template):
        result.append(template[position : match.start()])
        position = match.end()
        name = match[1]
        if name is None:
            quoted ^= match[0] == '"'
            result.append(match[0])
        elif quoted:
            result.append(_in_quotes(values.get(name), is_text))
        else:
            value = values.get(name)
            result.append(json.dumps("" if value is None else value, ensure_ascii=False))
    text = "".join([*result, template[position:]])
    try:
        # a template of several quoted lines is as good as one
        for part in text.splitlines() if is_text else [text]:
            json.loads(part)
    except ValueError as error:
        raise NotDeliveredError(f"The template's result is not JSON: {text}") from error
    return text


def input_for(target: dict[str, Any], event: dict[str, Any], rule_arn: str, rule_name: str) -> str:
    """Return the text that a target of a rule gets. Raises `NotDeliveredError`."""
    if "Input" in target:
        return target["Input"]
    if "InputPath" in target:
        return json.dumps(_find(target["InputPath"], event), separators=(",", ":"))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    without_detail = {key: value for key, value in event.items() if key != "detail"}
    values = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": without_detail,
        "aws.events.event.json": event,
    }
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        values[name] = _find(path, event)
    return fill_in(transformer["InputTemplate"], values)
