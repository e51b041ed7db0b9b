"""Writes docs/settings.md from the settings themselves: `python -m infra.settings_page`."""

import json
from dataclasses import fields
from pathlib import Path

from infra.settings import KEY, Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

BEFORE = f"""# Settings

They are in [cdk.json](../cdk.json), under `"context"`, as `"{KEY}<setting>"`. `cdk deploy` reads
them; `cdk deploy -c {KEY}endpoint_memory_mb=4096` overrides one, for this deployment alone.
Lists are written `a,b,c` on the command line. A wrong name or value stops `cdk synth` with a
sentence. (`python -m infra.settings_page` writes this page.)

| setting | what it is | values | default |
|---|---|---|---|
"""

AFTER = """
An execution's input may override `instance_types`, `max_runtime_minutes`, `spot` and `promote`.

## What is encrypted with what

Everything is encrypted at rest and travels over TLS only. The bucket uses the keys of S3, or the
key in `kms_key_arn`, with which training jobs then also write their results. The disks of training
instances are encrypted by AWS itself: types with a local disk, such as ml.g5 and ml.g4dn, take no
key. The topic for alarms is encrypted by SNS; its messages name what failed and hold no data.

Jobs and endpoint may use the key only while `kms_key_arn` names it. After it was taken away,
`aws s3 cp --recursive --sse AES256 s3://BUCKET s3://BUCKET` writes the files anew without it.

## Removing the stack

`cdk destroy` removes the endpoint, the state machine, roles, alarms and records. What remains:

- the bucket, unless `retain_data` was `false` at the last deployment;
- models and endpoint configs that promotions made, at most two of each, named `<name>--…`: they are
  descriptions, cost nothing, and answer no requests without an endpoint;
- the log groups that SageMaker wrote: `/aws/sagemaker/TrainingJobs` and
  `/aws/sagemaker/Endpoints/<name>`.
"""


def page() -> str:
    """Write the page: a row for each setting."""
    rows = []
    for setting in fields(Settings):
        default = setting.default
        shown = json.dumps(list(default) if isinstance(default, tuple) else default)
        rows.append(
            f"| `{setting.name}` | {setting.metadata['description']} "
            f"| {_values(default, dict(setting.metadata))} | `{shown}` |\n"
        )
    return BEFORE + "".join(rows) + AFTER


def _values(default: object, rule: dict[str, object]) -> str:
    if isinstance(default, bool):
        return "`true` or `false`"
    if isinstance(default, int):
        steps = f" in steps of {rule['step']}" if "step" in rule else ""
        return f"{rule['minimum']} to {rule['maximum']}{steps}"
    shape = str(rule["shape"]).replace("<", "&lt;")
    longest = f"; at most {rule['longest']} characters" if "longest" in rule else ""
    return f"{'a list of ' if isinstance(default, tuple) else ''}{shape}{longest}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
