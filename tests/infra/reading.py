"""Reading a template: what is of a type, and values with their intrinsic functions written out."""

import json
from collections.abc import Iterator
from typing import Any

ACCOUNT = "111122223333"


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of every resource of this type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def the(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the one resource of this type."""
    (properties,) = of_type(template, kind).values()
    return properties


def plain(value: Any) -> Any:
    """`value` with Ref and Fn::... replaced: `<DataBucket>`, `<Role.Arn>`, joined texts."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": "AWS::AccountId"}:
            return ACCOUNT
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Sub": text}:
            return text.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Partition}", "aws")
        case {"Fn::Join": [separator, parts]}:
            return separator.join(plain(part) for part in parts)
    return {key: plain(item) for key, item in value.items()}


def calls_of(template: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(logical id, event, call) of every call that CloudFormation makes through the CDK."""
    for name, custom in of_type(template, "Custom::AWS").items():
        for event in ("Create", "Update", "Delete"):
            if event in custom:
                yield name, event, json.loads(plain(custom[event]))


def machine_of(template: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """(logical id, properties) of the state machine `name`."""
    for logical_id, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        if machine["StateMachineName"] == name:
            return logical_id, machine
    raise AssertionError(f"no state machine {name}")


def definitions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> definition of every state machine."""
    machines = of_type(template, "AWS::StepFunctions::StateMachine").values()
    return {
        machine["StateMachineName"]: json.loads(plain(machine["DefinitionString"]))
        for machine in machines
    }
