"""The input of an execution: which fields there are, what they may hold, what they default to."""

from collections.abc import Mapping
from typing import Any

from infra.jsonata import JSON_TEXT, literal
from infra.settings import Settings
from infra.storage.folders import AUDIO, MODELS, OUTPUT, SPECTROGRAMS

FIELDS = (
    "data",
    "hyperparameters",
    "instance_types",
    "instance_count",
    "spot",
    "max_runtime_minutes",
    "promote",
    "model",
    "Comment",
)
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
_PLAIN: dict[str, dict[str, Any]] = {
    "instance_count": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1,
        "must_be": "1, as training runs on one machine",
    },
    "max_runtime_minutes": {"type": "integer", "minimum": 1, "maximum": 40320},  # 28 days
    "spot": {"type": "boolean"},
    "promote": {"type": "string", "enum": ["if_better", "always", "never"]},
}


def must_be(schema: Mapping[str, Any]) -> str:
    """Say in words what a value has to be: `a whole number from 1 to 10000`."""
    if "enum" in schema:
        return "one of " + ", ".join(literal(choice) for choice in schema["enum"])
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


def problems(hyperparameters: Mapping[str, Mapping[str, Any]], bucket: str) -> str:
    """Write an expression that yields sentences, one for each mistake in the input."""
    rules = {
        name: {
            **{
                word: rule
                for word, rule in schema.items()
                if word not in ("description", "default")
            },
            "must_be": must_be(schema),
        }
        for name, schema in hyperparameters.items()
    }
    plain = {name: {"must_be": must_be(rule), **rule} for name, rule in _PLAIN.items()}
    folder = f"/^({AUDIO[:-1]}|{SPECTROGRAMS[:-1]})(\\/.*)?$/"
    archive = f"/^({MODELS[:-1]}|{OUTPUT[:-1]})\\/.+\\.tar\\.gz$/"
    return f"""(
  $rules := {literal(rules)};
  $plain := {literal(plain)};
  $fields := {literal(list(FIELDS))};
  $input := $type($states.input) = 'object' ? $states.input : {{}};
  $root := 's3://{bucket}/';
  $hyperparameters := $lookup($input, 'hyperparameters');
  $alone := $filter($fields, function($field) {{
    $not($field in ['model', 'Comment']) and $field in $keys($input)
  }});
  {JSON_TEXT}
  $fits := function($value, $rule) {{
    $type($value) != ($rule.type = 'integer' ? 'number' : $rule.type) ? false
    : $exists($rule.enum) ? $value in $rule.enum
    : $type($value) != 'number' ? true
    : $rule.type = 'integer' and $floor($value) != $value ? false
    : $exists($rule.minimum) and $value < $rule.minimum ? false
    : $exists($rule.exclusiveMinimum) and $value <= $rule.exclusiveMinimum ? false
    : $exists($rule.maximum) and $value > $rule.maximum ? false
    : true
  }};
  $matches := function($value, $pattern) {{
    $type($value) = 'string' ? $contains($value, $pattern) : false
  }};
  $wrong := function($name, $must_be, $value) {{
    $name & ' must be ' & $must_be & ', but is ' & $substring($json($value), 0, 200) & '.'
  }};
  $unknown := function($name, $kind, $names) {{
    '"' & $name & '" is not ' & $kind & '; there are ' & $join($names, ', ') & '.'
  }};
  [$append($append(
    $type($states.input) != 'object'
      ? $wrong('The input', 'an object such as {{}}', $states.input),
    $each($input, function($value, $field) {{
      $field = 'data'
        ? ($not($matches($value, {folder}))
          ? $wrong($field, 'a folder under {AUDIO} or {SPECTROGRAMS}', $value))
      : $field = 'hyperparameters'
        ? ($type($value) != 'object'
          ? $wrong($field, 'an object such as {{"epochs": 60}}', $value))
      : $field = 'instance_types'
        ? (($type($value) != 'array' ? true : $count($value) = 0 ? true
            : $count($filter($value, function($one) {{
                $not($matches($one, /^ml\\.[a-z0-9-]+\\.[a-z0-9-]+$/))
              }})) > 0)
          ? $wrong($field, 'a list of instance types such as ["ml.g5.xlarge"]', $value))
      : $field in $keys($plain)
        ? ($not($fits($value, $lookup($plain, $field)))
          ? $wrong($field, $lookup($plain, $field).must_be, $value))
      : $field = 'model'
        ? ($type($value) != 'string' ? $wrong($field, 'a text', $value)
          : $not($substring($value, 0, $length($root)) = $root
            ? $contains($substring($value, $length($root)), {archive}) : false)
          ? $wrong($field, 'the URL of an archive in the bucket, such as '
              & 's3://{bucket}/{OUTPUT}<training job>/output/model.tar.gz', $value)
          : $count($alone) > 0
            ? 'With the field model nothing is trained: leave out ' & $join($alone, ', ') & '.')
      : $not($field in $fields)
        ? $unknown($field, 'a field of the input', $fields)
    }})),
    $type($hyperparameters) = 'object' ? $each($hyperparameters, function($value, $name) {{(
      $rule := $lookup($rules, $name);
      $not($name in $keys($rules)) ? $unknown($name, 'a hyperparameter', $keys($rules))
      : $not($fits($value, $rule)) ? $wrong('hyperparameters.' & $name, $rule.must_be, $value)
    )}})
  )]
)"""


def complete(settings: Settings) -> str:
    """Write an expression that yields the request with every field filled in.

    Hyperparameters become the strings that the training toolkit decodes back: JSON texts.
    """
    return f"""(
  {JSON_TEXT}
  $data := $exists($states.input.data) ? $states.input.data : {literal(AUDIO)};
  {{
    'data': $data & ($contains($data, /\\/$/) ? '' : '/'),
    'instance_types': $exists($states.input.instance_types)
      ? $states.input.instance_types : {literal(list(settings.instance_types))},
    'spot': $exists($states.input.spot) ? $states.input.spot : {literal(settings.spot)},
    'max_runtime_minutes': $exists($states.input.max_runtime_minutes)
      ? $states.input.max_runtime_minutes : {settings.max_runtime_minutes},
    'promote': $exists($states.input.promote)
      ? $states.input.promote : {literal(settings.promote)},
    'hyperparameters': $exists($states.input.hyperparameters)
      ? $merge([{{}}, $each($states.input.hyperparameters, function($value, $name) {{
          {{$name: $json($value)}}
        }})])
      : {{}}
  }}
)"""
