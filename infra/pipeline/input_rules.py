"""What an execution's input may hold: the fields with their rules, as JSON Schema and in words."""

from collections.abc import Mapping
from typing import Any

from infra.settings import Settings
from infra.storage.folders import AUDIO, MODELS, OUTPUT, SPECTROGRAMS

FIELDS = (
    "data",
    "hyperparameters",
    "instance_types",
    "instance_count",
    "prepare",
    "spot",
    "max_runtime_minutes",
    "promote",
    "start_from",
    "model",
    "Comment",
)
MOST_INSTANCE_TYPES = 10
MOST_INSTANCES = 16
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}


def input_values(
    settings: Settings, bucket: str, schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the expressions about the input name; `schemas` are hyperparameters.json."""
    return {
        "Bucket": bucket,
        "AudioPrefix": AUDIO,
        "SpectrogramsPrefix": SPECTROGRAMS,
        "ModelsPrefix": MODELS,
        "OutputPrefix": OUTPUT,
        "Fields": list(FIELDS),
        "FieldRules": field_rules(settings),
        "HyperparameterRules": hyperparameter_rules(schemas),
        "MostInstanceTypes": MOST_INSTANCE_TYPES,
        "InstanceTypes": list(settings.instance_types),
        "Spot": settings.spot,
        "MaxRuntimeMinutes": settings.max_runtime_minutes,
        "Promote": settings.promote,
        "CanPrepare": not settings.network_isolation,  # a folder is listed from within a job
    }


def field_rules(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the rules of the fields that hold a single value."""
    minutes = settings.longest_execution_hours * 60
    rules: dict[str, dict[str, Any]] = {
        "instance_count": {"type": "integer", "minimum": 1, "maximum": MOST_INSTANCES},
        "prepare": {"type": "string", "enum": ["auto", "always", "never"]},
        "max_runtime_minutes": {"type": "integer", "minimum": 1, "maximum": min(40320, minutes)},
        "spot": {"type": "boolean"},
        "promote": {"type": "string", "enum": ["if_better", "always", "never"]},
    }
    return {name: {"must_be": must_be(rule), **rule} for name, rule in rules.items()}


def hyperparameter_rules(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rules of hyperparameters.json, without what only its readers need."""
    return {
        name: {
            **{
                word: rule
                for word, rule in schema.items()
                if word not in ("description", "default", "by_quality")
            },
            "must_be": must_be(schema),
        }
        for name, schema in schemas.items()
    }


def must_be(schema: Mapping[str, Any]) -> str:
    """Say in words what a value has to be: `a whole number from 1 to 10000`."""
    if "enum" in schema:
        return "one of " + ", ".join(f'"{choice}"' for choice in schema["enum"])
    words = _KINDS.get(schema["type"], "a text")
    if "exclusiveMinimum" in schema:
        words += f" greater than {schema['exclusiveMinimum']}"
        if "maximum" in schema:
            words += f" and at most {schema['maximum']}"
    elif "minimum" in schema and "maximum" in schema:
        words += f" from {schema['minimum']} to {schema['maximum']}"
    elif "minimum" in schema:
        words += f" of at least {schema['minimum']}"
    elif "maximum" in schema:
        words += f" of at most {schema['maximum']}"
    return words
