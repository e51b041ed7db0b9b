"""What an execution's input may hold: the fields with their rules, as JSON Schema and in words."""

from collections.abc import Mapping
from typing import Any

from infra.settings import Settings
from infra.storage.folders import AUDIO, GENERATED, MODELS, OUTPUT, REQUESTS, SPECTROGRAMS

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
    "generate",
    "Comment",
)
GENERATE_SOURCES = ("labels", "count", "requests", "resume")  # one of these says what is made
GENERATE_FIELDS = (*GENERATE_SOURCES, "seed", "temperature")
WITH_GENERATE = ("generate", "instance_count", "instance_types", "Comment")
MOST_INSTANCES = 16
MOST_LABELS = 200  # of one run: the endpoint is asked for a sound of each in one request
MOST_SEED, MOST_TEMPERATURE = 2**31 - 1, 2  # of the endpoint's requests
# the serving image has no use for a GPU
GENERATE_INSTANCE_TYPES = ("ml.c5.xlarge", "ml.m5.xlarge", "ml.c5.2xlarge")
MOST_INSTANCE_TYPES = 10
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
        "RequestsPrefix": REQUESTS,
        "GeneratedPrefix": GENERATED,
        "StackPrefix": settings.name,
        "GenerateSources": list(GENERATE_SOURCES),
        "GenerateFields": list(GENERATE_FIELDS),
        "GenerateRules": generate_rules(),
        "WithGenerate": list(WITH_GENERATE),
        "GenerateInstanceTypes": list(GENERATE_INSTANCE_TYPES),
        "MostLabels": MOST_LABELS,
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


def generate_rules() -> dict[str, dict[str, Any]]:
    """Return the rules of those fields of `generate` that hold a single number."""
    rules: dict[str, dict[str, Any]] = {
        "count": {"type": "integer", "minimum": 1},
        "seed": {"type": "integer", "minimum": 0, "maximum": MOST_SEED},
        "temperature": {"type": "number", "minimum": 0, "maximum": MOST_TEMPERATURE},
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
